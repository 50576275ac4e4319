#include "invoker/join_calls.h"

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <fmt/format.h>
#include <utility>

#include "base/encoding.h"
#include "base/ids.h"
#include "protocol/control.pb.h"
#include "protocol/control/connection.h"
#include "protocol/control/refusal.h"
#include "protocol/join_token.h"

namespace gust::invoker {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{3'000};
// For a sentence only.
constexpr milliseconds kLookPatience{1'000};

/// One question on a connection of its own. kUnavailable when there is no answer in time, or at the wish to stop; an
/// answer may be a refusal.
Result<protocol::ControllerMessage> ask(const std::string& target, TlsContext tls,
                                        const protocol::InvokerMessage& question, milliseconds patience,
                                        const std::stop_token& stop) {
  boost::asio::io_context io{1};
  Result<protocol::ControllerMessage> outcome = fail(ErrorCode::kUnavailable, "no answer in time");
  const auto connection = protocol::Connection::connect(io.get_executor(), target, std::move(tls),
                                                        {.message =
                                                             [&](std::string_view bytes) {
                                                               protocol::ControllerMessage answer;
                                                               const int size = static_cast<int>(bytes.size());
                                                               if (answer.ParseFromArray(bytes.data(), size)) {
                                                                 outcome = std::move(answer);
                                                               }
                                                               io.stop();
                                                             },
                                                         .ended =
                                                             [&](const Error& error) {
                                                               outcome = std::unexpected(error);
                                                               io.stop();
                                                             }});
  connection->send(question);
  const std::stop_callback cancel(stop, [&io] { io.stop(); });
  io.run_for(patience);
  connection->close();
  return outcome;
}

/// The same, with a refusal as its error.
Result<protocol::ControllerMessage> ask_kindly(const std::string& target, TlsContext tls,
                                               const protocol::InvokerMessage& question, const std::stop_token& stop) {
  auto answer = GUST_TRY(ask(target, std::move(tls), question, kPatience, stop));
  if (!answer.has_refused()) return answer;
  Error error = protocol::read_refusal(answer.refused());
  if (error.code == ErrorCode::kUnavailable) return std::unexpected(std::move(error));
  return std::unexpected(error.while_doing(fmt::format("the controller at {} refused this invoker", target)));
}

/// A plain controller answers, too, if only to refuse.
bool speaks_plain(const std::string& target, const std::stop_token& stop) {
  protocol::InvokerMessage question;
  question.mutable_discover();
  return ask(target, nullptr, question, kLookPatience, stop).has_value();
}

Result<std::string> discover(const JoinOrder& order, const std::stop_token& stop) {
  protocol::InvokerMessage question;
  protocol::DiscoverRequest& request = *question.mutable_discover();
  request.set_token_id(protocol::join_token_id(order.token));
  request.set_nonce(random_hex_id());
  static_assert(protocol::kJoinNonceBytes == 32, "as many as an id has");
  auto tls = GUST_TRY(protocol::unverified_client_tls());
  auto answer = ask_kindly(order.target, std::move(tls), question, stop);
  if (!answer) {
    if (answer.error().code == ErrorCode::kUnavailable && speaks_plain(order.target, stop)) {
      return fail(ErrorCode::kInvalid, fmt::format("the controller at {} speaks without TLS and takes no join token; "
                                                   "start it with --join-token, or this invoker without",
                                                   order.target));
    }
    return std::unexpected(std::move(answer).error());
  }
  protocol::DiscoverAnswer& found = *answer->mutable_discovered();
  const std::string proof =
      protocol::join_proof(protocol::join_token_digest(order.token), request.nonce(), found.authority());
  if (constant_time_equal(proof, found.proof())) return std::move(*found.mutable_authority());
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
  const std::string authority = GUST_TRY(discover(order, stop));
  const std::string key = GUST_TRY(make_private_key());
  protocol::InvokerMessage question;
  question.mutable_join()->set_token(order.token);
  question.mutable_join()->set_name(order.name);
  question.mutable_join()->set_request(GUST_TRY(make_certificate_request(key)));
  auto tls = GUST_TRY(protocol::client_tls({.certificate = {}, .authority = authority}));
  const auto answer = GUST_TRY(ask_kindly(order.target, std::move(tls), question, stop));
  return take(answer.certificate().certificate(), key, authority, order.name);
}

Result<protocol::TlsIdentity> renew(const std::string& target, const protocol::TlsIdentity& identity,
                                    const std::stop_token& stop) {
  const CertificateFacts present = GUST_TRY(read_certificate(identity.certificate.chain));
  const std::string key = GUST_TRY(make_private_key());
  protocol::InvokerMessage question;
  question.mutable_renew()->set_request(GUST_TRY(make_certificate_request(key)));
  auto tls = GUST_TRY(protocol::client_tls(identity));
  const auto answer = GUST_TRY(ask_kindly(target, std::move(tls), question, stop));
  return take(answer.certificate().certificate(), key, identity.authority, present.common_name);
}

Sight look_at(const std::string& target, const std::stop_token& stop) {
  protocol::InvokerMessage question;
  question.mutable_discover();
  if (auto tls = protocol::unverified_client_tls()) {
    const auto answer = ask(target, std::move(*tls), question, kLookPatience, stop);
    if (answer && answer->has_discovered()) return {Sight::Speaks::kTls, answer->discovered().authority()};
  }
  return {speaks_plain(target, stop) ? Sight::Speaks::kPlain : Sight::Speaks::kNothing, {}};
}

}  // namespace gust::invoker
