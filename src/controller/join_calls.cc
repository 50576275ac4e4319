// The gateway's calls by which invokers get certificates. Each is answered at once.
#include <memory>
#include <optional>
#include <spdlog/spdlog.h>
#include <utility>

#include "base/certificate.h"
#include "controller/gateway_call.h"
#include "controller/registrar.h"

namespace gust::controller {

namespace {

using Peer = std::optional<protocol::PeerCertificate>;

grpc::Status to_status(const Error& error) {
  switch (error.code) {
    case ErrorCode::kDenied: return {grpc::StatusCode::UNAUTHENTICATED, error.message};
    case ErrorCode::kInvalid: return {grpc::StatusCode::INVALID_ARGUMENT, error.message};
    default: return {grpc::StatusCode::INTERNAL, error.message};
  }
}

template <class Request, class Answer>
struct Method {
  void (protocol::Control::AsyncService::*expect)(grpc::ServerContext*, Request*,
                                                  grpc::ServerAsyncResponseWriter<Answer>*, grpc::CompletionQueue*,
                                                  grpc::ServerCompletionQueue*, void*);
  Result<Answer> (*handle)(const GatewayCalls& calls, const Request& request, const Peer& peer);
};

template <class Request, class Answer>
class UnaryCall final : public GatewayCall {
 public:
  UnaryCall(GatewayCalls& calls, const Method<Request, Answer>& method) : calls_(calls), method_(method) {}

  static void expect(GatewayCalls& calls, const Method<Request, Answer>& method) {
    ++calls.count;
    auto call = std::make_unique<UnaryCall>(calls, method);
    UnaryCall& waiting = *call;
    waiting.self_ = std::move(call);
    (calls.service.*method.expect)(&waiting.context_, &waiting.request_, &waiting.writer_, calls.queue.get(),
                                   calls.queue.get(), &waiting.open_);
  }

  void opened() override {
    expect(calls_, method_);
    if (calls_.registrar == nullptr) {
      return writer_.FinishWithError(
          {grpc::StatusCode::FAILED_PRECONDITION,
           "this controller speaks without TLS to its invokers and hands out no certificates; start it with "
           "--join-token, or this invoker without"},
          &finish_);
    }
    const auto answer = method_.handle(calls_, request_, protocol::peer_certificate(context_));
    answer ? writer_.Finish(*answer, grpc::Status::OK, &finish_)
           : writer_.FinishWithError(to_status(answer.error()), &finish_);
  }

  void never_opened() override { self_.reset(); }

  bool complete(Completion::Of /*of*/, bool /*ok*/) override {
    self_.reset();
    return true;
  }

 private:
  GatewayCalls& calls_;
  const Method<Request, Answer>& method_;
  std::unique_ptr<UnaryCall> self_;  // until the last completion
  grpc::ServerContext context_;
  Request request_;
  grpc::ServerAsyncResponseWriter<Answer> writer_{&context_};
  Completion open_{this, Completion::Of::kOpen};
  Completion finish_{this, Completion::Of::kFinish};
};

Result<protocol::SignedCertificate> tell(const GatewayCalls& calls, const std::string& name,
                                         Result<protocol::SignedCertificate> signed_one) {
  if (!signed_one) {
    spdlog::warn("refused a certificate to invoker '{}': {}", name, signed_one.error().message);
  } else if (calls.events.certified) {
    calls.events.certified(name, GUST_TRY(read_certificate(signed_one->certificate())).not_after);
  }
  return signed_one;
}

using Service = protocol::Control::AsyncService;

const Method<protocol::DiscoverRequest, protocol::DiscoverAnswer> kDiscover = {
    &Service::RequestDiscover, [](const GatewayCalls& calls, const protocol::DiscoverRequest& request, const Peer&) {
      auto answer = calls.registrar->discover(request);
      if (!answer) spdlog::warn("refused an invoker: {}", answer.error().message);
      return answer;
    }};

const Method<protocol::JoinRequest, protocol::SignedCertificate> kJoin = {
    &Service::RequestJoin, [](const GatewayCalls& calls, const protocol::JoinRequest& request, const Peer&) {
      return tell(calls, request.name(), calls.registrar->join(request));
    }};

const Method<protocol::RenewRequest, protocol::SignedCertificate> kRenew = {
    &Service::RequestRenew,
    [](const GatewayCalls& calls, const protocol::RenewRequest& request,
       const Peer& peer) -> Result<protocol::SignedCertificate> {
      if (!peer) return fail(ErrorCode::kDenied, "only an invoker with a certificate can have it renewed");
      return tell(calls, peer->name, calls.registrar->renew(request, peer->name));
    }};

}  // namespace

void expect_join_calls(GatewayCalls& calls) {
  UnaryCall<protocol::DiscoverRequest, protocol::DiscoverAnswer>::expect(calls, kDiscover);
  UnaryCall<protocol::JoinRequest, protocol::SignedCertificate>::expect(calls, kJoin);
  UnaryCall<protocol::RenewRequest, protocol::SignedCertificate>::expect(calls, kRenew);
}

}  // namespace gust::controller
