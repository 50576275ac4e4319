#include "invoker/join_calls.h"

#include <chrono>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/ids.h"
#include "invoker/channel.h"
#include "protocol/control.grpc.pb.h"
#include "protocol/control/library.h"
#include "protocol/join_token.h"

namespace gust::invoker {

namespace {

using Channel = std::shared_ptr<grpc::Channel>;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{3'000};
// For a sentence only.
constexpr milliseconds kLookPatience{1'000};

template <class Request, class Answer>
grpc::Status ask(const Channel& channel,
                 grpc::Status (protocol::Control::Stub::*method)(grpc::ClientContext*, const Request&, Answer*),
                 const Request& request, Answer& answer, milliseconds patience, const std::stop_token& stop) {
  const auto stub = protocol::Control::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + patience);
  const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
  return (stub.get()->*method)(&context, request, &answer);
}

using Stub = protocol::Control::Stub;

std::unexpected<Error> refused(const std::string& target, const grpc::Status& status) {
  Error error = to_error(status);
  if (error.code == ErrorCode::kUnavailable) return std::unexpected(std::move(error));
  return std::unexpected(error.while_doing(fmt::format("the controller at {} refused this invoker", target)));
}

/// A plain controller says so itself, with this status.
bool speaks_plain(const std::string& target, const std::stop_token& stop) {
  protocol::DiscoverAnswer answer;
  const auto status = ask(open_channel(target, grpc::InsecureChannelCredentials()), &Stub::Discover,
                          protocol::DiscoverRequest(), answer, kLookPatience, stop);
  return status.error_code() == grpc::StatusCode::FAILED_PRECONDITION;
}

Result<std::string> discover(const JoinOrder& order, const std::stop_token& stop) {
  protocol::DiscoverRequest request;
  request.set_token_id(protocol::join_token_id(order.token));
  request.set_nonce(random_hex_id());
  static_assert(protocol::kJoinNonceBytes == 32, "as many as an id has");
  protocol::DiscoverAnswer answer;
  const auto status = ask(open_channel(order.target, protocol::unverified_channel_credentials()), &Stub::Discover,
                          request, answer, kPatience, stop);
  if (!status.ok()) {
    auto error = refused(order.target, status);
    if (error.error().code == ErrorCode::kUnavailable && speaks_plain(order.target, stop)) {
      return fail(ErrorCode::kInvalid, fmt::format("the controller at {} speaks without TLS and takes no join token; "
                                                   "start it with --join-token, or this invoker without",
                                                   order.target));
    }
    return error;
  }
  const std::string proof =
      protocol::join_proof(protocol::join_token_digest(order.token), request.nonce(), answer.authority());
  if (constant_time_equal(proof, answer.proof())) return std::move(*answer.mutable_authority());
  return fail(ErrorCode::kDenied,
              fmt::format("what listens at {} does not know this invoker's join token: the token is "
                          "wrong, or it is not the controller that it should be",
                          order.target));
}

/// The controller's answer as this end's identity.
Result<protocol::TlsIdentity> take(const std::string& certificate, const std::string& key, const std::string& authority,
                                   std::string_view name) {
  auto pair = read_key_pair(certificate, key);
  if (!pair) return std::unexpected(pair.error().while_doing("the controller's answer"));
  const CertificateFacts facts = GUST_TRY(read_certificate(pair->chain));
  if (facts.common_name != name) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the controller's answer is a certificate for {}, not {}", facts.common_name, name));
  }
  return protocol::TlsIdentity{.certificate = std::move(*pair), .authority = authority};
}

}  // namespace

Result<protocol::TlsIdentity> join(const JoinOrder& order, const std::stop_token& stop) {
  protocol::init_grpc();
  const std::string authority = GUST_TRY(discover(order, stop));
  const std::string key = GUST_TRY(make_private_key());
  protocol::JoinRequest request;
  request.set_token(order.token);
  request.set_name(order.name);
  request.set_request(GUST_TRY(make_certificate_request(key)));
  protocol::SignedCertificate answer;
  const auto credentials = protocol::tls_channel_credentials({.certificate = {}, .authority = authority});
  const auto status = ask(open_channel(order.target, credentials), &Stub::Join, request, answer, kPatience, stop);
  if (!status.ok()) return refused(order.target, status);
  return take(answer.certificate(), key, authority, order.name);
}

Result<protocol::TlsIdentity> renew(const std::string& target, const protocol::TlsIdentity& identity,
                                    const std::stop_token& stop) {
  protocol::init_grpc();
  const CertificateFacts present = GUST_TRY(read_certificate(identity.certificate.chain));
  const std::string key = GUST_TRY(make_private_key());
  protocol::RenewRequest request;
  request.set_request(GUST_TRY(make_certificate_request(key)));
  protocol::SignedCertificate answer;
  const auto status = ask(open_channel(target, protocol::tls_channel_credentials(identity)), &Stub::Renew, request,
                          answer, kPatience, stop);
  if (!status.ok()) return refused(target, status);
  return take(answer.certificate(), key, identity.authority, present.common_name);
}

Sight look_at(const std::string& target, const std::stop_token& stop) {
  protocol::init_grpc();
  protocol::DiscoverAnswer answer;
  const auto status = ask(open_channel(target, protocol::unverified_channel_credentials()), &Stub::Discover,
                          protocol::DiscoverRequest(), answer, kLookPatience, stop);
  if (status.ok()) return {Sight::Speaks::kTls, answer.authority()};
  return {speaks_plain(target, stop) ? Sight::Speaks::kPlain : Sight::Speaks::kNothing, {}};
}

}  // namespace gust::invoker
