// How gRPC's channels between invokers and controllers are secured.
#pragma once

#include <functional>
#include <grpcpp/grpcpp.h>
#include <memory>
#include <optional>
#include <string>

#include "base/certificate.h"
#include "base/clock.h"

namespace gust::protocol {

/// What one end presents, and by which authority it knows the other.
struct TlsIdentity {
  Certificate certificate;  ///< empty for a client that has none yet
  std::string authority;    ///< certificate, PEM
};

/// A server over TLS. It asks each client for a certificate of its authority, and lets in those that have none, too:
/// peer_certificate() tells. `fetch` is called at each handshake, at first when the server begins to listen, on one of
/// gRPC's threads: with an identity the server takes that from now on, without it goes on with what it has. Connections
/// stay as they are. To be kept for as long as the server lives.
std::shared_ptr<grpc::ServerCredentials> tls_server_credentials(std::function<std::optional<TlsIdentity>()> fetch);

/// A client that talks to the controller of this authority and to nobody else, whatever address that has.
std::shared_ptr<grpc::ChannelCredentials> tls_channel_credentials(const TlsIdentity& identity);

/// A client that does not know yet whom it talks to: for what may be seen by anybody.
std::shared_ptr<grpc::ChannelCredentials> unverified_channel_credentials();

/// What tls_channel_credentials() need of their channel.
void expect_controller(grpc::ChannelArguments& arguments);

/// Of the client of a call; verified.
struct PeerCertificate {
  std::string name;  ///< its common name
  WallTime ends;
};
std::optional<PeerCertificate> peer_certificate(const grpc::ServerContextBase& context);

}  // namespace gust::protocol
