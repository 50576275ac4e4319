// A container driver for tests: the test itself plays the packs.
#pragma once

#include <unistd.h>

#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <sys/eventfd.h>
#include <utility>
#include <variant>
#include <vector>

#include "container/driver.h"
#include "invoker/testing/inbox.h"
#include "protocol/pack_frames.h"

namespace gust::invoker::testing {

class FakeContainers;

/// The pack's side of a container. On the test's thread.
class FakePack {
 public:
  FakePack(FakeContainers& containers, container::Spec spec) : containers_(containers), spec_(std::move(spec)) {}

  [[nodiscard]] const container::Spec& spec() const { return spec_; }
  [[nodiscard]] int socket() const { return spec_.socket.get(); }

  /// The process exists, the code is loaded.
  void launch_and_load();
  void say(protocol::FrameType type, const std::string& payload) {
    (void)protocol::send_messages(socket(), std::array{protocol::Message{type, payload}}, 10'000);
  }
  void start_workers(const std::vector<std::uint32_t>& ids) {
    protocol::StartedMessage message;
    for (const std::uint32_t id : ids) message.push_back({id, 1000 + id});
    say(protocol::FrameType::kStarted, encode(message));
  }
  void finish_worker(std::uint32_t id, std::string result = "{}", bool ok = true) {
    protocol::FinishedMessage message(1);
    message[0].worker_id = id;
    message[0].ok = ok;
    message[0].result = std::move(result);
    say(protocol::FrameType::kFinished, encode(message));
  }
  void print(const std::string& text) { (void)!::write(spec_.standard_output.get(), text.data(), text.size()); }
  /// The first message of the invoker.
  Result<protocol::StartMessage> read_start();

  void close_socket() { spec_.socket.reset(); }
  /// The process is gone with all its descriptors. `status` as from waitpid(2).
  void exit(int status);
  /// The process is gone; a descendant still holds its descriptors.
  void exit_and_leave_a_child(int status);

 private:
  FakeContainers& containers_;
  container::Spec spec_;
};

/// What the fake driver and the test share. From any thread.
class FakeContainers {
 public:
  FakeContainers() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  /// The next container that was ordered.
  std::unique_ptr<FakePack> next() { return packs_.take().value_or(nullptr); }
  /// The next container that was killed.
  std::optional<container::ContainerId> next_killed(std::chrono::milliseconds patience = kPatience) {
    return killed_.take(patience);
  }

  void launched(container::ContainerId id) {
    container::Launched event;
    event.id = id;
    event.pid = 4711;
    event.at = wall_now();
    post(event);
  }
  void exited(container::ContainerId id, int status, std::string failure = {}) {
    container::Exited event;
    event.id = id;
    event.wait_status = status;
    event.at = wall_now();
    event.cpu_us = 5;
    event.peak_memory = Bytes::mb(3);
    event.failure = std::move(failure);
    post(event);
  }
  void lose_driver() { post(Lost{}); }

 private:
  friend class FakeDriver;
  struct Lost {};
  using Event = std::variant<container::Launched, container::Exited, Lost>;

  void post(Event event) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
  }

  UniqueFd wake_;
  Inbox<std::unique_ptr<FakePack>> packs_;
  Inbox<container::ContainerId> killed_;
  std::mutex mutex_;
  std::vector<Event> events_;
};

class FakeDriver final : public container::Driver {
 public:
  explicit FakeDriver(std::shared_ptr<FakeContainers> containers) : containers_(std::move(containers)) {}
  [[nodiscard]] std::string_view name() const override { return "fake"; }
  [[nodiscard]] std::string_view notice() const override { return "nothing is real"; }
  Result<void> start(std::vector<container::Spec> specs) override {
    for (container::Spec& spec : specs) {
      containers_->packs_.put(std::make_unique<FakePack>(*containers_, std::move(spec)));
    }
    return {};
  }
  void kill(container::ContainerId id) override {
    containers_->killed_.put(id);
    containers_->exited(id, SIGKILL);
  }
  [[nodiscard]] int event_fd() const override { return containers_->wake_.get(); }
  Result<void> read_events(const container::Events& events) override {
    std::uint64_t count = 0;
    (void)!::read(containers_->wake_.get(), &count, sizeof count);
    std::vector<FakeContainers::Event> happened;
    {
      const std::lock_guard lock(containers_->mutex_);
      happened.swap(containers_->events_);
    }
    for (const auto& event : happened) {
      if (const auto* launched = std::get_if<container::Launched>(&event)) events.launched(*launched);
      if (const auto* exited = std::get_if<container::Exited>(&event)) events.exited(*exited);
      if (std::holds_alternative<FakeContainers::Lost>(event)) {
        return fail(ErrorCode::kUnavailable, "the launcher was killed");
      }
    }
    return {};
  }

 private:
  std::shared_ptr<FakeContainers> containers_;
};

inline void FakePack::launch_and_load() {
  containers_.launched(spec_.id);
  say(protocol::FrameType::kLoaded, encode(protocol::LoadedMessage{10, 20, 30}));
}

inline Result<protocol::StartMessage> FakePack::read_start() {
  protocol::MessageReader reader(std::size_t{64} << 20);
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < give_up) {
    const auto message = GUST_TRY(reader.read(socket()));
    if (message) return protocol::decode<protocol::StartMessage>(message->payload);
  }
  return fail(ErrorCode::kTimedOut, "no start message");
}

inline void FakePack::exit(int status) {
  spec_.socket.reset();
  spec_.standard_output.reset();
  spec_.standard_error.reset();
  containers_.exited(spec_.id, status);
}

inline void FakePack::exit_and_leave_a_child(int status) { containers_.exited(spec_.id, status); }

}  // namespace gust::invoker::testing
