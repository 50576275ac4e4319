#include "protocol/control/tls.h"

#include <openssl/pem.h>

#include "base/openssl_ptr.h"
#include "protocol/join_token.h"

namespace gust::protocol {

Result<TlsContext> server_tls(const TlsIdentity& identity) {
  TlsContext context = GUST_TRY(make_server_context(identity.certificate));
  GUST_TRY_VOID(ask_for_certificates(context, identity.authority));
  // A session that is resumed would go on with a certificate that has ended since.
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  return context;
}

Result<TlsContext> client_tls(const TlsIdentity& identity) {
  TlsContext context = GUST_TRY(make_client_context(Trust::kGiven, identity.authority));
  if (X509_VERIFY_PARAM_set1_host(SSL_CTX_get0_param(context.get()), kControllerName, 0) != 1) {
    return fail(ErrorCode::kInternal, "OpenSSL takes no name to verify: " + take_openssl_error());
  }
  if (!identity.certificate.chain.empty()) GUST_TRY_VOID(present_certificate(context, identity.certificate));
  return context;
}

Result<TlsContext> unverified_client_tls() { return make_client_context(Trust::kAnybody, ""); }

std::optional<PeerCertificate> peer_certificate(const SSL* connection) {
  const X509Ptr certificate(SSL_get1_peer_certificate(connection));
  if (!certificate || SSL_get_verify_result(connection) != X509_V_OK) return std::nullopt;
  const BioPtr text(BIO_new(BIO_s_mem()));
  if (!text || PEM_write_bio_X509(text.get(), certificate.get()) != 1) return std::nullopt;
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  const auto facts = read_certificate({data, static_cast<std::size_t>(size)});
  if (!facts) return std::nullopt;
  return PeerCertificate{.name = facts->common_name, .ends = facts->not_after};
}

}  // namespace gust::protocol
