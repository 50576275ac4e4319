#include "http/tls.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "base/files.h"
#include "http/openssl_ptr.h"
#include "http/tls_context.h"

namespace gust::http {
namespace {

constexpr long kTenYears = 10L * 365 * 24 * 3600;
/// A clock that is a little behind ours must not refuse a certificate made a moment ago.
constexpr long kClockSkew = 3600;

std::unexpected<Error> openssl_failed(std::string_view what) {
  return fail(ErrorCode::kInternal, fmt::format("OpenSSL could not {}: {}", what, take_openssl_error()));
}

bool is_address(const std::string& name) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 || inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

/// What X509V3_EXT_conf_nid() reads; names are checked first, because ',' and ':' mean something to it.
Result<std::string> alternative_names(const std::vector<std::string>& names) {
  std::vector<std::string> all = {"localhost", "127.0.0.1", "::1"};
  for (const std::string& name : names) {
    const bool plain = std::ranges::all_of(name, [](unsigned char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
             c == '_' || c == '*';
    });
    if (name.empty() || name.size() > 253 || (!plain && !is_address(name))) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("'{}' is neither a host name nor an address; a certificate cannot be made for it", name));
    }
    if (std::ranges::find(all, name) == all.end()) all.push_back(name);
  }
  std::string text;
  for (const std::string& name : all) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", is_address(name) ? "IP" : "DNS", name);
  }
  return text;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// Not an authority and without key usages: such a certificate can itself be put in a trust store everywhere, and its
/// key cannot vouch for other names.
bool fill(X509* certificate, EVP_PKEY* key, const std::string& alternative_names) {
  std::uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return false;
  X509_NAME* name = X509_get_subject_name(certificate);
  return X509_set_version(certificate, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -kClockSkew) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kTenYears) != nullptr &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("gust"), -1, -1,
                                    0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
         add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
         add_extension(certificate, NID_subject_key_identifier, "hash") &&
         add_extension(certificate, NID_subject_alt_name, alternative_names) &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

Result<Certificate> load_certificate(const std::filesystem::path& chain, const std::filesystem::path& private_key) {
  Certificate certificate{.chain = GUST_TRY(read_whole_file(chain)),
                          .private_key = GUST_TRY(read_whole_file(private_key))};
  if (!certificate.chain.contains("-----BEGIN CERTIFICATE-----")) {
    return fail(ErrorCode::kInvalid, fmt::format("{} holds no certificate in PEM form", chain.string()));
  }
  if (!certificate.private_key.contains("PRIVATE KEY-----")) {
    return fail(ErrorCode::kInvalid, fmt::format("{} holds no private key in PEM form", private_key.string()));
  }
  if (auto context = make_server_context(certificate); !context) {
    return std::unexpected(
        context.error().while_doing(fmt::format("{} with key {}", chain.string(), private_key.string())));
  }
  return certificate;
}

Result<Certificate> make_certificate(const std::vector<std::string>& names) {
  const std::string alternatives = GUST_TRY(alternative_names(names));
  const KeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr certificate(X509_new());
  if (!key || !certificate) return openssl_failed("make a P-256 key");
  if (!fill(certificate.get(), key.get(), alternatives)) return openssl_failed("make a certificate");

  const BioPtr chain(BIO_new(BIO_s_mem()));
  const BioPtr private_key(BIO_new(BIO_s_mem()));
  if (!chain || !private_key || PEM_write_bio_X509(chain.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(private_key.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_failed("write a certificate");
  }
  return Certificate{.chain = text_of(chain.get()), .private_key = text_of(private_key.get())};
}

}  // namespace gust::http
