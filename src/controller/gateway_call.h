// What the gateway's thread finds in its completion queue. Inside the module only.
#pragma once

#include <atomic>
#include <cstdint>
#include <grpcpp/grpcpp.h>

#include "controller/gateway.h"
#include "protocol/control.grpc.pb.h"

namespace gust::controller {

class GatewayCall;

struct Completion {
  enum class Of : std::uint8_t { kOpen, kRead, kWrite, kFinish, kDone };
  GatewayCall* call;
  Of of;
};

/// What all calls of a gateway have in common.
struct GatewayCalls {
  GatewayEvents events;
  const Registrar* registrar = nullptr;  ///< null without TLS
  protocol::Control::AsyncService service;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
  std::atomic<std::size_t> count = 0;  ///< open ones, and those that wait for a client
};

/// One call of a client, or the place where the next one will be. On the gateway's thread.
class GatewayCall {
 public:
  virtual ~GatewayCall() = default;
  /// A client has come. Makes the place for the next one.
  virtual void opened() = 0;
  /// The server is shut down: no client will come. Then the call is gone.
  virtual void never_opened() = 0;
  /// Tells whether it was the call's last completion; then the call is gone.
  virtual bool complete(Completion::Of of, bool ok) = 0;
};

/// Make places for calls: invoker_stream.cc, join_calls.cc.
void expect_session(GatewayCalls& calls);
void expect_join_calls(GatewayCalls& calls);

}  // namespace gust::controller
