#include "base/certificate.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "base/openssl_ptr.h"

namespace gust {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

X509Ptr parse(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

/// Whether OpenSSL takes a certificate for this purpose, trusting this authority only.
bool verifies(const std::string& certificate, const std::string& authority, int purpose) {
  const std::unique_ptr<X509_STORE, OpensslFree<X509_STORE_free>> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), parse(authority).get());
  const X509Ptr leaf = parse(certificate);
  const std::unique_ptr<X509_STORE_CTX, OpensslFree<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
  X509_STORE_CTX_set_purpose(context.get(), purpose);
  return X509_verify_cert(context.get()) == 1;
}

CertificateTerms terms(const std::string& name, CertificateUse use) {
  return {.common_name = name, .names = {}, .use = use, .life = hours(1)};
}

class CertificateTest : public testing::Test {
 protected:
  Result<std::string> sign(const CertificateTerms& given) {
    return sign_certificate(authority_, make_certificate_request(key_).value(), given);
  }

  Certificate authority_ = make_authority("us", hours(10)).value();
  std::string key_ = make_private_key().value();
};

TEST_F(CertificateTest, AnAuthoritysSignatureIsGoodForOneUse) {
  const auto client = sign(terms("node-1", CertificateUse::kClient));
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_TRUE(verifies(*client, authority_.chain, X509_PURPOSE_SSL_CLIENT));
  EXPECT_FALSE(verifies(*client, authority_.chain, X509_PURPOSE_SSL_SERVER));
  auto server = terms("us", CertificateUse::kServer);
  server.names = {"gust.example", "10.0.0.1"};
  const auto signed_server = sign(server);
  ASSERT_TRUE(signed_server) << signed_server.error().message;
  EXPECT_TRUE(verifies(*signed_server, authority_.chain, X509_PURPOSE_SSL_SERVER));
  EXPECT_FALSE(verifies(*signed_server, authority_.chain, X509_PURPOSE_SSL_CLIENT));
  EXPECT_EQ(X509_check_host(parse(*signed_server).get(), "gust.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(parse(*signed_server).get(), "10.0.0.1", 0), 1);
}

TEST_F(CertificateTest, AnotherAuthorityOfTheSameNameIsNot) {
  const auto other = make_authority("us", hours(10));
  EXPECT_FALSE(verifies(*sign(terms("node-1", CertificateUse::kClient)), other->chain, X509_PURPOSE_SSL_CLIENT));
}

TEST_F(CertificateTest, WhatItSignedCannotSign) {
  const std::string leaf = *sign(terms("node-1", CertificateUse::kClient));
  const auto forged = sign_certificate({leaf, key_}, make_certificate_request(make_private_key().value()).value(),
                                       terms("root", CertificateUse::kClient));
  ASSERT_TRUE(forged);
  EXPECT_FALSE(verifies(*forged, authority_.chain, X509_PURPOSE_SSL_CLIENT));
}

TEST_F(CertificateTest, SaysWhatItIs) {
  const WallTime now = wall_now();
  const auto facts = read_certificate(*sign(terms("Knoten ä", CertificateUse::kClient)));
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->common_name, "Knoten ä");
  EXPECT_FALSE(facts->is_authority);
  EXPECT_NEAR(to_seconds(facts->not_before), to_seconds(now - kCertificateSkew), 3);
  EXPECT_NEAR(to_seconds(facts->not_after), to_seconds(now + hours(1)), 3);
  EXPECT_NEAR(to_seconds(renewal_time(*facts)), to_seconds(now + std::chrono::minutes(40)), 5);
  EXPECT_EQ(facts->fingerprint.size(), 64U);
  EXPECT_TRUE(read_certificate(authority_.chain)->is_authority);
}

TEST_F(CertificateTest, SaysWhomItIsFor) {
  const auto made = make_self_signed(
      {.common_name = "gust", .names = {"node.example", "10.0.0.7", "::1"}, .life = std::chrono::hours(1)});
  ASSERT_TRUE(made);
  for (const char* name : {"node.example", "10.0.0.7", "::1"}) EXPECT_TRUE(is_certificate_for(made->chain, name));
  for (const char* name : {"other.example", "10.0.0.8", "::2", ""}) EXPECT_FALSE(is_certificate_for(made->chain, name));
  EXPECT_FALSE(is_certificate_for("no certificate", "node.example"));
}

TEST_F(CertificateTest, NamesThatCannotBeInOneAreRefused) {
  for (const std::string& name :
       {std::string(), std::string(65, 'x'), std::string("a\nb"), std::string("a\0b", 3), std::string("\xff\xfe")}) {
    const auto made = sign(terms(name, CertificateUse::kClient));
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
  }
  EXPECT_TRUE(sign(terms(std::string(64, 'x'), CertificateUse::kClient)));
}

TEST_F(CertificateTest, RequestsThatAreNoneAreRefused) {
  const std::string request = make_certificate_request(key_).value();
  std::string changed = request;
  changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';  // the signature, or the key
  for (const std::string& text :
       {std::string(), std::string("hello"), changed, std::string(20'000, 'x'), authority_.chain}) {
    const auto made = sign_certificate(authority_, text, terms("a", CertificateUse::kClient));
    ASSERT_FALSE(made) << text;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
  }
}

TEST_F(CertificateTest, AKeyBelongsToItsCertificate) {
  const std::string certificate = *sign(terms("a", CertificateUse::kClient));
  const auto pair = read_key_pair(key_ + certificate + authority_.chain, key_ + certificate);
  ASSERT_TRUE(pair) << pair.error().message;
  EXPECT_EQ(pair->chain, certificate);
  EXPECT_EQ(pair->private_key, key_);
  EXPECT_FALSE(read_key_pair(certificate, authority_.private_key));
  EXPECT_FALSE(read_key_pair(certificate, certificate));
  EXPECT_FALSE(read_key_pair(key_, key_));
}

}  // namespace
}  // namespace gust
