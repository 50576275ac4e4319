#include "http/tls.h"

#include <unistd.h>

#include <fstream>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "base/openssl_ptr.h"
#include "base/testing/test_folder.h"
#include "base/tls_context.h"

namespace gust::http {
namespace {

class TlsFiles : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
    return folder_.path() / name;
  }

  TestFolder folder_;
};

TEST_F(TlsFiles, MadeCertificatesAreForTheirNames) {
  const auto made = make_certificate({"gust.example", "10.1.2.3", "localhost", "fe80::1"});
  ASSERT_TRUE(made);
  const BioPtr bio(BIO_new_mem_buf(made->chain.data(), static_cast<int>(made->chain.size())));
  const X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ASSERT_TRUE(certificate);
  for (const char* name : {"gust.example", "localhost"}) {
    EXPECT_EQ(X509_check_host(certificate.get(), name, 0, 0, nullptr), 1) << name;
  }
  for (const char* address : {"10.1.2.3", "127.0.0.1", "::1", "fe80::1"}) {
    EXPECT_EQ(X509_check_ip_asc(certificate.get(), address, 0), 1) << address;
  }
  EXPECT_NE(X509_check_host(certificate.get(), "other.example", 0, 0, nullptr), 1);
  EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(certificate.get())), 256);
  EXPECT_EQ(X509_check_ca(certificate.get()), 0);
}

TEST_F(TlsFiles, ACertificateIsKeptForAsLongAsItWillDo) {
  const auto file = folder_.path() / "server.pem";
  const auto first = keep_certificate(file, {"10.1.2.3"});
  ASSERT_TRUE(first);
  EXPECT_EQ(std::filesystem::status(file).permissions() & std::filesystem::perms::mask,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(keep_certificate(file, {"10.1.2.3"})->chain, first->chain);
  EXPECT_EQ(keep_certificate(file, {})->private_key, first->private_key);
  const auto other = keep_certificate(file, {"10.1.2.4"});
  EXPECT_NE(other->chain, first->chain);
  EXPECT_EQ(keep_certificate(file, {"10.1.2.4"})->chain, other->chain);
  write("server.pem", "damaged");
  EXPECT_NE(keep_certificate(file, {"10.1.2.4"})->chain, other->chain);
  EXPECT_EQ(keep_certificate(folder_.path() / "missing" / "server.pem", {}).error().code, ErrorCode::kInvalid);
}

TEST_F(TlsFiles, NamesThatAreNoneAreRefused) {
  for (const char* name : {"", "a b", "x,DNS:evil", "a:1", "dirName:x"}) {
    const auto made = make_certificate({name});
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
  }
}

TEST_F(TlsFiles, AreReadBack) {
  const Certificate made = make_certificate({}).value();
  const auto loaded = load_certificate(write("c.pem", made.chain), write("k.pem", made.private_key));
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->chain, made.chain);
  EXPECT_EQ(loaded->private_key, made.private_key);
}

TEST_F(TlsFiles, WrongOnesAreNamed) {
  const Certificate made = make_certificate({}).value();
  const Certificate other = make_certificate({}).value();
  const auto chain = write("c.pem", made.chain);
  const auto key = write("k.pem", made.private_key);
  const auto expect = [](const Result<Certificate>& result, const std::string& part) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
    EXPECT_TRUE(result.error().message.contains(part)) << result.error().message;
  };
  expect(load_certificate(folder_.path() / "absent", key), "absent: No such file");
  expect(load_certificate(folder_.path(), key), folder_.path().string());
  expect(load_certificate(chain, write("empty", "")), "empty holds no private key");
  expect(load_certificate(key, key), "k.pem holds no certificate");
  expect(load_certificate(chain, write("other.pem", other.private_key)), "does not belong");
  expect(load_certificate(chain, write("broken.pem", "-----BEGIN PRIVATE KEY-----\nxx\n-----END PRIVATE KEY-----\n")),
         "broken.pem");
  expect(load_certificate(write("half.pem", made.chain.substr(0, 200)), key), "half.pem");
}

TEST_F(TlsFiles, TrustNeedsACertificate) {
  EXPECT_FALSE(make_client_context(Trust::kGiven, "nothing"));
  EXPECT_TRUE(make_client_context(Trust::kGiven, make_certificate({}).value().chain));
}

}  // namespace
}  // namespace gust::http
