#include "controller/join_calls.h"

#include <spdlog/spdlog.h>
#include <string>
#include <utility>

#include "base/certificate.h"
#include "base/check.h"
#include "controller/registrar.h"
#include "protocol/control/refusal.h"

namespace gust::controller {

namespace {

using Answer = Result<protocol::ControllerMessage>;

Answer discover(const protocol::DiscoverRequest& request, const Registrar& registrar) {
  auto answer = registrar.discover(request);
  if (!answer) {
    spdlog::warn("refused an invoker: {}", answer.error().message);
    return std::unexpected(std::move(answer).error());
  }
  protocol::ControllerMessage message;
  *message.mutable_discovered() = std::move(*answer);
  return message;
}

Answer certify(const std::string& name, Result<protocol::SignedCertificate> certificate, const GatewayEvents& events) {
  if (!certificate) {
    spdlog::warn("refused a certificate to invoker '{}': {}", name, certificate.error().message);
    return std::unexpected(std::move(certificate).error());
  }
  if (events.certified) events.certified(name, GUST_TRY(read_certificate(certificate->certificate())).not_after);
  protocol::ControllerMessage message;
  *message.mutable_certificate() = std::move(*certificate);
  return message;
}

Answer answer(const protocol::InvokerMessage& question, const std::optional<protocol::PeerCertificate>& peer,
              const GatewayService& service) {
  if (service.registrar == nullptr) {
    return fail(ErrorCode::kVersionMismatch,
                "this controller speaks without TLS to its invokers and hands out no certificates; start it with "
                "--join-token, or this invoker without");
  }
  if (question.has_discover()) return discover(question.discover(), *service.registrar);
  if (question.has_join()) {
    return certify(question.join().name(), service.registrar->join(question.join()), service.events);
  }
  GUST_CHECK(question.has_renew(), "one of three questions");
  if (!peer) return fail(ErrorCode::kDenied, "only an invoker with a certificate can have it renewed");
  return certify(peer->name, service.registrar->renew(question.renew(), peer->name), service.events);
}

}  // namespace

protocol::ControllerMessage answer_join_call(const protocol::InvokerMessage& question,
                                             const std::optional<protocol::PeerCertificate>& peer,
                                             const GatewayService& service) {
  auto answered = answer(question, peer, service);
  return answered ? std::move(*answered) : protocol::refusal(answered.error());
}

}  // namespace gust::controller
