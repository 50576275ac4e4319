#include "invoker/invoker.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <optional>
#include <sys/resource.h>
#include <utility>

#include "invoker/capacity.h"
#include "invoker/code_cache.h"
#include "invoker/controller_link.h"
#include "invoker/membership.h"
#include "invoker/metrics.h"
#include "invoker/pack_host.h"
#include "invoker/peer_host.h"
#include "invoker/report_batch.h"
#include "invoker/state_dir.h"
#include "protocol/version.h"

namespace gust::invoker {

namespace {

// Killed packs are gone within milliseconds. One that the kernel cannot end (a hung file system) must not hold up the
// invoker for ever.
constexpr std::chrono::seconds kEndOfPacks{2};

// A pack costs three descriptors: the usual soft limit of 1024 would be short on a large machine.
void raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // where it fails, a pack that finds no descriptor says so
}

protocol::Hello make_hello(const InvokerConfig& config, const container::Driver& driver) {
  protocol::Hello hello;
  hello.set_protocol_version(protocol::kProtocolVersion);
  hello.set_name(config.name);
  // Over a network the token goes only to a controller that has proved that it knows it: see join_calls.h.
  if (config.controller.starts_with("unix:")) hello.set_join_token(config.join_token);
  hello.set_slots(config.slots);
  hello.set_memory_bytes(config.memory.count());
  hello.set_driver(std::string(driver.name()));
  hello.set_pid(::getpid());
  hello.set_code_cache_bytes(config.code_cache.count());
  hello.add_features(std::string(protocol::kReattach));
  return hello;
}

class NodeAgent final : public Invoker {
 public:
  NodeAgent(InvokerConfig config, StateDir state, std::unique_ptr<container::Driver> driver,
            std::optional<protocol::TlsIdentity> identity)
      : config_(std::move(config)),
        state_(std::move(state)),
        driver_(std::move(driver)),
        code_(state_.code()),
        reports_(io_, config_.report_delay, [this](auto message) { link_.send(std::move(message)); }),
        packs_({io_, *driver_, reports_, code_, metrics_}, config_.api_host, config_.peer_host,
               {.empty = [this] { packs_gone(); }, .driver_lost = [this](const Error& error) { driver_lost(error); }}),
        membership_(io_, config_, std::move(identity)),
        link_(io_, membership_, config_.controller, make_hello(config_, *driver_), config_.controller_grace,
              {.introduce = [this](protocol::Hello& hello) { introduce(hello); },
               .joined = [this](const protocol::Welcome& welcome) { joined(welcome); },
               .message = [this](const protocol::ControllerMessage& message) { take(message); },
               .sent = [this] { reports_.sent(); },
               .lost = [this](const Error& error) { lost(error); },
               .gave_up = [this](Error error) { end(fail(error.code, std::move(error.message))); }}),
        signals_(io_),
        patience_(io_) {}

  Result<void> run(Signals signals) override;
  void stop() override {
    boost::asio::post(io_, [this] { end({}); });
  }
  void readiness(std::move_only_function<void(std::string)> done) override {
    boost::asio::post(io_, [this, done = std::move(done)]() mutable { done(obstacle()); });
  }
  void metrics(std::move_only_function<void(std::string)> done) override {
    boost::asio::post(io_, [this, done = std::move(done)]() mutable { done(metrics_.text(standing())); });
  }

 private:
  [[nodiscard]] std::string obstacle() const;
  [[nodiscard]] Standing standing() const;
  void wait_for_signal();
  void leave();
  void say_leaving();
  void introduce(protocol::Hello& hello) const;
  void joined(const protocol::Welcome& welcome);
  void take(const protocol::ControllerMessage& message);
  Result<void> obey(const protocol::ControllerMessage& message);
  void lost(const Error& error);
  void driver_lost(const Error& error);
  void end(Result<void> outcome);
  void clear_packs();
  void packs_gone();

  InvokerConfig config_;
  StateDir state_;
  std::unique_ptr<container::Driver> driver_;
  boost::asio::io_context io_{1};
  CodeCache code_;
  Metrics metrics_;
  ReportBatch reports_;
  PackHost packs_;
  Membership membership_;
  ControllerLink link_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer patience_;  // with packs that do not end, or do not go
  std::string state_name_;              // what the packs are kept for while there is no session; empty for nothing
  std::uint32_t id_ = 0;                // there
  bool leaving_ = false;
  bool clearing_ = false;
  std::optional<Result<void>> outcome_;  // set when the end has begun
};

Result<void> NodeAgent::run(Signals signals) {
  if (!driver_->notice().empty()) config_.say(driver_->notice());
  if (signals == Signals::kStop) {
    signals_.add(SIGTERM);
    signals_.add(SIGINT);
    wait_for_signal();
  }
  boost::asio::post(io_, [this] {
    if (!outcome_) link_.connect(config_.start_patience.value_or(config_.controller_grace));
  });
  io_.run();
  return std::move(outcome_).value();
}

void NodeAgent::wait_for_signal() {
  signals_.async_wait([this](boost::system::error_code error, int signal) {
    if (error) return;
    signal == SIGTERM && !leaving_ && config_.drain_time.count() > 0 ? leave() : end({});
    wait_for_signal();
  });
}

std::string NodeAgent::obstacle() const {
  if (outcome_) return "it ends";
  if (leaving_) return "it ends when its packs have ended";
  return link_.in_session() ? "" : "it has no session with the controller at " + config_.controller;
}

Standing NodeAgent::standing() const {
  Bytes code;
  for (const auto& [digest, size] : code_.complete()) code += size;
  return {.in_session = link_.in_session(),
          .slots = config_.slots,
          .memory = config_.memory,
          .packs = packs_.count(),
          .prewarmed = packs_.prewarmed(),
          .code = code};
}

void NodeAgent::leave() {
  leaving_ = true;
  if (!link_.in_session() && packs_.empty()) return end({});
  config_.say(fmt::format("takes no further packs, and ends when those that run have ended, in {:g} s at the latest",
                          static_cast<double>(config_.drain_time.count()) / 1000));
  say_leaving();
  patience_.expires_after(config_.drain_time);
  patience_.async_wait([this](boost::system::error_code error) {
    if (!error) end({});
  });
}

// Again in each session: the controller may be another one.
void NodeAgent::say_leaving() {
  if (!link_.in_session()) return;
  auto message = std::make_shared<protocol::InvokerMessage>();
  message->mutable_leaving();
  link_.send(std::move(message));
}

void NodeAgent::introduce(protocol::Hello& hello) const {
  for (const auto& [digest, size] : code_.complete()) {
    protocol::CachedCode& code = *hello.add_code();
    code.set_digest(digest);
    code.set_bytes(size.count());
  }
  if (state_name_.empty()) return;
  hello.set_invoker_id(id_);
  for (protocol::KeptFlare& kept : packs_.kept()) *hello.add_kept() = std::move(kept);
}

void NodeAgent::joined(const protocol::Welcome& welcome) {
  if (welcome.state_name() != state_name_) {
    reports_.clear();
    packs_.abandon_all();
  }
  state_name_ = welcome.state_name();
  id_ = welcome.invoker_id();
  const InvokerId id(id_);
  const bool keep = !state_name_.empty();
  metrics_.session_begun();
  packs_.begin_session(id, keep);
  reports_.begin_session(keep ? ReportBatch::Keep::kUntilForgotten : ReportBatch::Keep::kUntilSent);
  if (leaving_) say_leaving();
  config_.say(fmt::format("{} joined the controller at {} as invoker {} with {} slots and {}", config_.name,
                          config_.controller, id.value(), config_.slots, to_string(config_.memory)));
}

void NodeAgent::take(const protocol::ControllerMessage& message) {
  if (outcome_) return;
  if (const auto obeyed = obey(message); !obeyed) link_.drop(obeyed.error());
}

Result<void> NodeAgent::obey(const protocol::ControllerMessage& message) {
  using Kind = protocol::ControllerMessage;
  switch (message.message_case()) {
    case Kind::kStartPacks: return packs_.start(message.start_packs(), wall_now());
    case Kind::kStopFlare: packs_.stop_flare(message.stop_flare().flare_id(), message.stop_flare().reason()); return {};
    case Kind::kPeers: packs_.tell_peers(message.peers()); return {};
    case Kind::kDropCode: code_.drop(message.drop_code().digest()); return {};
    case Kind::kForget:
      for (const std::string& flare : message.forget().flare_ids()) {
        packs_.forget_flare(flare);
        reports_.forget(flare);
      }
      return {};
    case Kind::kCode:
      return code_.add(message.code().digest(), message.code().piece(),
                       message.code().last() ? Piece::kLast : Piece::kMore);
    case Kind::kReleased: end({}); return {};
    case Kind::kWelcome: return fail(ErrorCode::kInvalid, "the controller sent a second Welcome");
    case Kind::kRefused:
    case Kind::kDiscovered:
    case Kind::kCertificate:
    case Kind::MESSAGE_NOT_SET: break;
  }
  return fail(ErrorCode::kInvalid, "the controller sent a message that does not belong in a session");
}

void NodeAgent::lost(const Error& error) {
  config_.say(fmt::format("lost the controller at {}: {}", config_.controller, error.message));
  reports_.end_session();
  packs_.end_session();
  code_.drop_incomplete();
  state_name_.empty() ? clear_packs() : link_.reconnect();
}

void NodeAgent::driver_lost(const Error& error) {
  end(fail(ErrorCode::kUnavailable, "the container driver is lost: " + error.message));
  packs_gone();  // no event will say so
}

void NodeAgent::end(Result<void> outcome) {
  if (outcome_) return;
  outcome_ = std::move(outcome);
  clear_packs();
}

// Then goes on in packs_gone().
void NodeAgent::clear_packs() {
  clearing_ = true;
  reports_.clear();
  patience_.expires_after(kEndOfPacks);
  patience_.async_wait([this](boost::system::error_code error) {
    if (!error) packs_gone();
  });
  const bool none = packs_.empty();
  packs_.abandon_all();
  if (none) packs_gone();
}

void NodeAgent::packs_gone() {
  if (!std::exchange(clearing_, false)) return;
  patience_.cancel();
  if (outcome_) {
    io_.stop();
  } else {
    link_.reconnect();
  }
}

}  // namespace

Result<std::unique_ptr<Invoker>> Invoker::create(InvokerConfig config, std::unique_ptr<container::Driver> driver) {
  if (config.controller.empty()) {
    return fail(ErrorCode::kInvalid, "the invoker needs its controller's address; write host:port or unix:/path");
  }
  if (config.name.empty()) return fail(ErrorCode::kInvalid, "the invoker needs a name; give it one");
  if (config.slots == 0) config.slots = detect_slots();
  if (config.memory == Bytes()) config.memory = detect_memory();
  if (config.peer_host.empty()) config.peer_host = detect_peer_host(config.controller);
  raise_open_files_limit();
  StateDir state = GUST_TRY(StateDir::open(config.state_dir));
  auto identity = GUST_TRY(earlier_identity(config));
  return std::make_unique<NodeAgent>(std::move(config), std::move(state), std::move(driver), std::move(identity));
}

}  // namespace gust::invoker
