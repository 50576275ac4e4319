#include "base/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <vector>

#include "base/openssl_ptr.h"

namespace gust {
namespace {

std::vector<X509Ptr> read_certificates(std::string_view pem) {
  std::vector<X509Ptr> certificates;
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (X509* certificate = bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr) {
    certificates.emplace_back(certificate);
  }
  ERR_clear_error();  // the end of the text is an error to it
  return certificates;
}

/// Never asks on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

TlsContext make_context(const SSL_METHOD* method) {
  TlsContext context(SSL_CTX_new(method), [](SSL_CTX* owned) { SSL_CTX_free(owned); });
  if (!context) return nullptr;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // The cheapest key exchange first, and the cipher whose key schedule is SHA-256's.
  SSL_CTX_set1_groups_list(context.get(), "X25519:P-256:P-384");
  SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  return context;
}

std::unexpected<Error> no_context() {
  return fail(ErrorCode::kInternal, "OpenSSL gives no TLS context: " + take_openssl_error());
}

}  // namespace

Result<void> present_certificate(const TlsContext& context, const Certificate& certificate) {
  const std::vector<X509Ptr> chain = read_certificates(certificate.chain);
  if (chain.empty()) return fail(ErrorCode::kInvalid, "the certificate chain holds no certificate in PEM form");
  if (SSL_CTX_use_certificate(context.get(), chain.front().get()) != 1) {
    return fail(ErrorCode::kInvalid, "the certificate cannot be used: " + take_openssl_error());
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context.get(), chain[i].get()) != 1) return no_context();
  }

  const BioPtr bio(BIO_new_mem_buf(certificate.private_key.data(), static_cast<int>(certificate.private_key.size())));
  const KeyPtr key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  if (!key) {
    return fail(ErrorCode::kInvalid, fmt::format("the private key cannot be read ({}); it must be PEM without a "
                                                 "passphrase: openssl pkey -in KEY -out PLAIN",
                                                 take_openssl_error()));
  }
  if (X509_check_private_key(chain.front().get(), key.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::kInvalid, "the private key does not belong to the certificate");
  }
  return {};
}

Result<void> ask_for_certificates(const TlsContext& context, std::string_view authority_pem) {
  const std::vector<X509Ptr> authority = read_certificates(authority_pem);
  if (authority.empty()) return fail(ErrorCode::kInvalid, "the authority is no certificate in PEM form");
  for (const X509Ptr& certificate : authority) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), certificate.get()) != 1 ||
        SSL_CTX_add_client_CA(context.get(), certificate.get()) != 1) {
      return no_context();
    }
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return {};
}

Result<TlsContext> make_server_context(const Certificate& certificate) {
  TlsContext context = make_context(TLS_server_method());
  if (!context) return no_context();
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // Tickets keep no state here; one is enough for clients that come back, and most do not.
  SSL_CTX_set_num_tickets(context.get(), 1);
  static constexpr unsigned char kSessionContext[] = "gust";
  SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof kSessionContext - 1);
  GUST_TRY_VOID(present_certificate(context, certificate));
  return context;
}

Result<TlsContext> make_client_context(Trust trust, std::string_view trusted_chain_pem) {
  TlsContext context = make_context(TLS_client_method());
  if (!context) return no_context();
  if (trust == Trust::kAnybody) return context;
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (trust == Trust::kSystem) {
    if (SSL_CTX_set_default_verify_paths(context.get()) != 1) return no_context();
    return context;
  }
  const std::vector<X509Ptr> trusted = read_certificates(trusted_chain_pem);
  if (trusted.empty()) return fail(ErrorCode::kInvalid, "the certificates to trust hold none in PEM form");
  X509_STORE* store = SSL_CTX_get_cert_store(context.get());
  for (const X509Ptr& certificate : trusted) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1) return no_context();
  }
  // A server's own certificate may be given, also when somebody else signed it.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return context;
}

}  // namespace gust
