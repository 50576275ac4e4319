#include "protocol/control/credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <utility>

#include "protocol/join_token.h"

namespace gust::protocol {

namespace {

// The C library lets a server change its certificate from one handshake to the next; the C++ interface has only files
// that are watched, which would put the key on a disk and a second or more between a change and its effect.
class FetchedServerCredentials final : public grpc::ServerCredentials {
 public:
  explicit FetchedServerCredentials(std::function<std::optional<TlsIdentity>()> fetch) : fetch_(std::move(fetch)) {
    credentials_ =
        grpc_ssl_server_credentials_create_with_options(grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY, &FetchedServerCredentials::call, this));
  }
  ~FetchedServerCredentials() override { grpc_server_credentials_release(credentials_); }
  FetchedServerCredentials(const FetchedServerCredentials&) = delete;
  FetchedServerCredentials& operator=(const FetchedServerCredentials&) = delete;

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  static grpc_ssl_certificate_config_reload_status call(void* self, grpc_ssl_server_certificate_config** config) {
    const auto fetched = static_cast<FetchedServerCredentials*>(self)->fetch_();
    if (!fetched) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair{.private_key = fetched->certificate.private_key.c_str(),
                                          .cert_chain = fetched->certificate.chain.c_str()};
    *config = grpc_ssl_server_certificate_config_create(fetched->authority.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  std::function<std::optional<TlsIdentity>()> fetch_;
  grpc_server_credentials* credentials_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> tls_server_credentials(std::function<std::optional<TlsIdentity>()> fetch) {
  return std::make_shared<FetchedServerCredentials>(std::move(fetch));
}

std::shared_ptr<grpc::ChannelCredentials> tls_channel_credentials(const TlsIdentity& identity) {
  return grpc::SslCredentials({.pem_root_certs = identity.authority,
                               .pem_private_key = identity.certificate.private_key,
                               .pem_cert_chain = identity.certificate.chain});
}

std::shared_ptr<grpc::ChannelCredentials> unverified_channel_credentials() {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_verify_server_certs(false);
  options.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  options.set_check_call_host(false);
  return grpc::experimental::TlsCredentials(options);
}

void expect_controller(grpc::ChannelArguments& arguments) { arguments.SetSslTargetNameOverride(kControllerName); }

std::optional<PeerCertificate> peer_certificate(const grpc::ServerContextBase& context) {
  const auto peer = context.auth_context();
  if (!peer || !peer->IsPeerAuthenticated()) return std::nullopt;
  const auto texts = peer->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (texts.empty()) return std::nullopt;
  const auto facts = read_certificate({texts.front().data(), texts.front().size()});
  if (!facts) return std::nullopt;
  return PeerCertificate{.name = facts->common_name, .ends = facts->not_after};
}

}  // namespace gust::protocol
