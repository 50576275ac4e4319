#include "base/certificate.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <optional>

#include "base/encoding.h"
#include "base/openssl_ptr.h"

namespace gust {

namespace {

constexpr std::size_t kMaxRequestBytes = 16'384;
constexpr int kP256Bits = 256;

std::unexpected<Error> openssl_failed(std::string_view what) {
  return fail(ErrorCode::kInternal, fmt::format("OpenSSL could not {}: {}", what, take_openssl_error()));
}

BioPtr reader(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<std::string> pem_of(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return openssl_failed("write a certificate");
  return text_of(bio.get());
}

Result<std::string> pem_of(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_failed("write a private key");
  }
  return text_of(bio.get());
}

/// Never asks on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

Result<KeyPtr> read_key(std::string_view pem) {
  const BioPtr bio = reader(pem);
  KeyPtr key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  if (!key) {
    return fail(ErrorCode::kInvalid,
                fmt::format("there is no private key in PEM form without a passphrase ({})", take_openssl_error()));
  }
  return key;
}

Result<X509Ptr> read_x509(std::string_view pem) {
  const BioPtr bio = reader(pem);
  X509Ptr certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate) {
    return fail(ErrorCode::kInvalid, fmt::format("there is no certificate in PEM form ({})", take_openssl_error()));
  }
  return certificate;
}

Result<KeyPtr> new_key() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return openssl_failed("make a P-256 key");
  return key;
}

bool is_address(const std::string& name) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 || inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

/// What X509V3_EXT_conf_nid() reads; names are checked first, because ',' and ':' mean something to it.
Result<std::string> alternative_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    const bool plain = std::ranges::all_of(name, [](unsigned char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
             c == '_' || c == '*';
    });
    if (name.empty() || name.size() > 253 || (!plain && !is_address(name))) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("'{}' is neither a host name nor an address; a certificate cannot be made for it", name));
    }
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", is_address(name) ? "IP" : "DNS", name);
  }
  return text;
}

Result<void> check_common_name(const std::string& name) {
  if (name.empty()) return fail(ErrorCode::kInvalid, "a certificate needs a name");
  if (name.size() > kMaxCommonName) {
    return fail(ErrorCode::kInvalid, fmt::format("the name {} has {} bytes, and a certificate can hold {}; choose a "
                                                 "shorter one",
                                                 name, name.size(), kMaxCommonName));
  }
  if (std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    return fail(ErrorCode::kInvalid, "a certificate's name may not have control characters");
  }
  return {};
}

class Extensions {
 public:
  Extensions(X509* certificate, X509* issuer) : certificate_(certificate) {
    X509V3_set_ctx_nodb(&context_);
    X509V3_set_ctx(&context_, issuer, certificate, nullptr, nullptr, 0);
  }
  bool add(int nid, const std::string& value) {
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context_, nid, value.c_str()));
    return extension && X509_add_ext(certificate_, extension.get(), -1) == 1;
  }

 private:
  X509* certificate_;
  X509V3_CTX context_{};
};

bool set_times(X509* certificate, std::chrono::seconds skew, std::chrono::seconds life) {
  return X509_gmtime_adj(X509_getm_notBefore(certificate), -skew.count()) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), life.count()) != nullptr;
}

/// All but extensions and signature.
Result<X509Ptr> begin(const std::string& common_name, std::chrono::seconds skew, std::chrono::seconds life,
                      EVP_PKEY* public_key) {
  GUST_TRY_VOID(check_common_name(common_name));
  X509Ptr certificate(X509_new());
  std::uint64_t serial = 0;
  if (!certificate || RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) {
    return openssl_failed("begin a certificate");
  }
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const bool filled =
      X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1) == 1 &&
      set_times(certificate.get(), skew, life) && X509_set_pubkey(certificate.get(), public_key) == 1 &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.data()),
                                 static_cast<int>(common_name.size()), -1, 0) == 1;
  if (!filled) {
    return fail(ErrorCode::kInvalid,
                fmt::format("a certificate cannot be made for the name '{}': {}", common_name, take_openssl_error()));
  }
  return certificate;
}

/// The extensions of a certificate that is no authority. Without key usages for one that vouches for itself: it can
/// then be put into a trust store everywhere, and its key cannot vouch for other names.
bool extend_leaf(Extensions& extensions, const CertificateTerms& terms, const std::string& alternatives) {
  return extensions.add(NID_basic_constraints, "critical,CA:FALSE") &&
         extensions.add(NID_ext_key_usage, terms.use == CertificateUse::kServer ? "serverAuth" : "clientAuth") &&
         extensions.add(NID_subject_key_identifier, "hash") &&
         (alternatives.empty() || extensions.add(NID_subject_alt_name, alternatives));
}

Result<WallTime> wall_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return fail(ErrorCode::kInvalid, "a certificate has a time that is none");
  return WallTime(std::chrono::seconds(::timegm(&parts)));
}

}  // namespace

Result<std::string> make_private_key() {
  const KeyPtr key = GUST_TRY(new_key());
  return pem_of(key.get());
}

Result<Certificate> make_authority(std::string_view common_name, std::chrono::seconds life) {
  const KeyPtr key = GUST_TRY(new_key());
  const X509Ptr certificate = GUST_TRY(begin(std::string(common_name), kCertificateSkew, life, key.get()));
  Extensions extensions(certificate.get(), certificate.get());
  const bool done = X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get())) == 1 &&
                    extensions.add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                    extensions.add(NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    extensions.add(NID_subject_key_identifier, "hash") &&
                    X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0;
  if (!done) return openssl_failed("make an authority");
  return Certificate{.chain = GUST_TRY(pem_of(certificate.get())), .private_key = GUST_TRY(pem_of(key.get()))};
}

Result<Certificate> make_self_signed(const CertificateTerms& terms) {
  const std::string alternatives = GUST_TRY(alternative_names(terms.names));
  const KeyPtr key = GUST_TRY(new_key());
  const X509Ptr certificate = GUST_TRY(begin(terms.common_name, terms.skew, terms.life, key.get()));
  Extensions extensions(certificate.get(), certificate.get());
  const bool done = X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get())) == 1 &&
                    extend_leaf(extensions, terms, alternatives) &&
                    X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0;
  if (!done) return openssl_failed("make a certificate");
  return Certificate{.chain = GUST_TRY(pem_of(certificate.get())), .private_key = GUST_TRY(pem_of(key.get()))};
}

Result<std::string> make_certificate_request(std::string_view private_key) {
  const KeyPtr key = GUST_TRY(read_key(private_key));
  const X509RequestPtr request(X509_REQ_new());
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!request || !bio || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0 ||
      PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1) {
    return openssl_failed("make a request for a certificate");
  }
  return text_of(bio.get());
}

Result<std::string> sign_certificate(const Certificate& authority, std::string_view request,
                                     const CertificateTerms& terms) {
  if (request.size() > kMaxRequestBytes) return fail(ErrorCode::kInvalid, "a request for a certificate is not so long");
  const BioPtr bio = reader(request);
  const X509RequestPtr asked(bio ? PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  EVP_PKEY* public_key = asked ? X509_REQ_get0_pubkey(asked.get()) : nullptr;
  const bool is_p256 =
      public_key != nullptr && EVP_PKEY_is_a(public_key, "EC") == 1 && EVP_PKEY_get_bits(public_key) == kP256Bits;
  if (!is_p256 || X509_REQ_verify(asked.get(), public_key) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::kInvalid, "this is no request for a certificate with a P-256 key and a valid signature");
  }
  const std::string alternatives = GUST_TRY(alternative_names(terms.names));
  const X509Ptr issuer = GUST_TRY(read_x509(authority.chain));
  const KeyPtr key = GUST_TRY(read_key(authority.private_key));
  const X509Ptr certificate = GUST_TRY(begin(terms.common_name, terms.skew, terms.life, public_key));
  Extensions extensions(certificate.get(), issuer.get());
  const bool done = X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get())) == 1 &&
                    extend_leaf(extensions, terms, alternatives) &&
                    extensions.add(NID_key_usage, "critical,digitalSignature") &&
                    extensions.add(NID_authority_key_identifier, "keyid:always") &&
                    X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0;
  if (!done) return openssl_failed("sign a certificate");
  return pem_of(certificate.get());
}

Result<CertificateFacts> read_certificate(std::string_view pem) {
  const X509Ptr certificate = GUST_TRY(read_x509(pem));
  CertificateFacts facts;
  const X509_NAME* subject = X509_get_subject_name(certificate.get());
  if (const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); at >= 0) {
    unsigned char* text = nullptr;
    const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (size >= 0) facts.common_name.assign(reinterpret_cast<char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
  }
  facts.not_before = GUST_TRY(wall_time(X509_get0_notBefore(certificate.get())));
  facts.not_after = GUST_TRY(wall_time(X509_get0_notAfter(certificate.get())));
  facts.is_authority = X509_check_ca(certificate.get()) == 1;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), digest, &length) != 1) return openssl_failed("digest a certificate");
  facts.fingerprint = hex_encode(std::span(digest, length));
  return facts;
}

WallTime renewal_time(const CertificateFacts& facts) {
  return facts.not_after - (facts.not_after - facts.not_before - kCertificateSkew) / 3;
}

bool is_certificate_for(std::string_view pem, const std::string& name) {
  const auto certificate = read_x509(pem);
  if (!certificate) return false;
  return X509_check_ip_asc(certificate->get(), name.c_str(), 0) == 1 ||
         X509_check_host(certificate->get(), name.c_str(), name.size(), 0, nullptr) == 1;
}

Result<Certificate> read_key_pair(std::string_view chain, std::string_view private_key) {
  const X509Ptr certificate = GUST_TRY(read_x509(chain));
  const KeyPtr key = GUST_TRY(read_key(private_key));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::kInvalid, "the private key does not belong to the certificate");
  }
  return Certificate{.chain = GUST_TRY(pem_of(certificate.get())), .private_key = GUST_TRY(pem_of(key.get()))};
}

}  // namespace gust
