#include "controller/gateway.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "controller/gateway_call.h"
#include "controller/registrar.h"
#include "protocol/control/credentials.h"
#include "protocol/control/library.h"
#include "protocol/version.h"

namespace gust::controller {

namespace {

// One thread of our own takes all completions: the library's callback interface keeps two at the least, which hand each
// event over to one another, and that cost more than the events.
class GrpcGateway final : public Gateway {
 public:
  GrpcGateway(GatewayEvents events, const Registrar* registrar) {
    calls_.events = std::move(events);
    calls_.registrar = registrar;
  }
  ~GrpcGateway() override { GrpcGateway::shut_down(); }

  Result<void> start(const std::string& address, std::chrono::milliseconds silence) {
    grpc::ServerBuilder builder;
    const int silence_ms = static_cast<int>(silence.count());
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, silence_ms * 2 / 3);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, silence_ms / 3);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 100);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, protocol::kControlWindowBytes);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.SetMaxReceiveMessageSize(protocol::kMaxControlMessageBytes);
    int port = 0;
    credentials_ = make_credentials();
    builder.AddListeningPort(address, credentials_, &port);
    builder.RegisterService(&calls_.service);
    calls_.queue = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    const bool is_unix = address.starts_with("unix:");
    if (!server_ || (!is_unix && port == 0)) {
      return fail(ErrorCode::kUnavailable,
                  fmt::format("cannot listen for invokers on {}; is the address in use? choose another with "
                              "--invoker-listen",
                              address));
    }
    address_ = is_unix ? address : fmt::format("{}:{}", address.substr(0, address.rfind(':')), port);
    expect_session(calls_);
    expect_join_calls(calls_);
    thread_ = std::thread([this] { run(); });
    return {};
  }

  [[nodiscard]] std::string address() const override { return address_; }

  void shut_down() override {
    if (!calls_.queue) return;
    if (server_) server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
    // A stream that is still there may begin operations on the queue.
    for (std::size_t left = calls_.count; left > 0; left = calls_.count) calls_.count.wait(left);
    calls_.queue->Shutdown();
    if (thread_.joinable()) {
      thread_.join();
    } else {
      run();
    }
    server_.reset();
    calls_.queue.reset();
  }

 private:
  std::shared_ptr<grpc::ServerCredentials> make_credentials() {
    if (calls_.registrar == nullptr) return grpc::InsecureServerCredentials();
    return protocol::tls_server_credentials([this] { return next_identity(); });
  }

  // A new certificate whenever a handshake finds that the last one has had two thirds of its life: no timer is needed.
  std::optional<protocol::TlsIdentity> next_identity() {
    const MutexLock lock(mutex_);
    if (renew_at_ && wall_now() < *renew_at_) return std::nullopt;
    auto made = calls_.registrar->make_server_identity();
    auto facts = made ? read_certificate(made->certificate.chain) : std::unexpected(made.error());
    if (!facts) {
      spdlog::error("no certificate could be made for this controller: {}", facts.error().message);
      return std::nullopt;
    }
    renew_at_ = renewal_time(*facts);
    return *made;
  }

  void run() {
    void* tag = nullptr;
    bool ok = false;
    while (calls_.queue->Next(&tag, &ok)) {
      const Completion completion = *static_cast<Completion*>(tag);
      GatewayCall& call = *completion.call;
      bool gone = false;
      if (completion.of != Completion::Of::kOpen) {
        gone = call.complete(completion.of, ok);
      } else if (ok) {
        call.opened();
      } else {
        call.never_opened();
        gone = true;
      }
      if (gone && --calls_.count == 0) calls_.count.notify_all();
    }
  }

  GatewayCalls calls_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;  // for as long as the server
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  Mutex mutex_;
  std::optional<WallTime> renew_at_ GUST_GUARDED_BY(mutex_);  // the server's certificate
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::listen(const std::string& address, std::chrono::milliseconds silence,
                                                 GatewayEvents events, const Registrar* registrar) {
  protocol::init_grpc();
  auto gateway = std::make_unique<GrpcGateway>(std::move(events), registrar);
  GUST_TRY_VOID(gateway->start(address, silence));
  return gateway;
}

}  // namespace gust::controller
