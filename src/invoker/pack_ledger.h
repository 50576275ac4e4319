// What a pack has said about its workers, checked, and how it ended. Nothing that a pack says is taken on trust: user
// code runs in it and can write to its socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "container/driver.h"
#include "protocol/control.pb.h"
#include "protocol/pack_frames.h"

namespace gust::invoker {

/// The results of one pack together: what a pack may make its invoker keep in memory.
inline constexpr Bytes kMaxPackResults = Bytes::mb(128);

/// Why the invoker itself ended a pack.
struct Verdict {
  enum class Kind : std::uint8_t {
    kStopped,   ///< the controller asked for it
    kFaulty,    ///< it broke the protocol or a limit: `reason` says how
    kLingered,  ///< it had said its last word and did not exit
  };
  Kind kind;
  std::string reason;
};

/// State of one pack, without I/O. Not thread-safe.
class PackLedger {
 public:
  PackLedger(PackId id, InvokerId invoker, WorkerRange workers, Bytes memory_limit,
             Bytes result_limit = kMaxPackResults);

  /// Takes one message of the pack and adds its news to `report`. An error is a sentence about what is wrong with the
  /// message; the pack is then to be killed, and nothing more of it taken.
  Result<void> take(protocol::FrameType type, std::string_view payload, protocol::PackReport& report);

  [[nodiscard]] std::uint32_t started() const { return started_count_; }
  [[nodiscard]] bool all_finished() const { return finished_count_ == workers_.count; }
  /// It has announced an address: its workers communicate with other packs.
  [[nodiscard]] bool announced() const { return announced_; }
  /// Nothing more is to come but its exit.
  [[nodiscard]] bool had_last_word() const { return all_finished() || load_failure_ || crash_ || exit_; }

  /// How the pack ended, from all that is known; `verdict` when the invoker killed it.
  [[nodiscard]] protocol::PackEnded conclude(const container::Exited& exited,
                                             const std::optional<Verdict>& verdict) const;
  /// The end of a pack that was never started.
  static protocol::PackEnded launch_failed(PackId id, std::string_view reason, WallTime now);

 private:
  Result<void> take_loaded(const protocol::LoadedMessage& message, protocol::PackReport& report);
  Result<void> take_started(const protocol::StartedMessage& message, protocol::PackReport& report);
  Result<void> take_finished(protocol::FinishedMessage message, protocol::PackReport& report);
  Result<void> take_address(std::string_view address, protocol::PackReport& report);
  Result<void> take_traffic(const protocol::TrafficMessage& message, protocol::PackReport& report);
  Result<void> check_worker(std::uint32_t worker_id, std::string_view what) const;
  [[nodiscard]] std::size_t index(std::uint32_t worker_id) const { return worker_id - workers_.first.value(); }
  [[nodiscard]] std::string name() const { return "pack " + std::to_string(id_.value()); }
  [[nodiscard]] std::string killed_at_memory_limit(std::string culprit = {}) const;

  [[nodiscard]] std::string describe_crash(bool out_of_memory) const;
  void conclude_from_status(int status, protocol::PackEnded& ended) const;
  void conclude_from_signal(int signal, protocol::PackEnded& ended) const;

  PackId id_;
  InvokerId invoker_;
  WorkerRange workers_;
  Bytes memory_limit_;
  Bytes result_limit_;
  std::vector<bool> started_;
  std::vector<bool> finished_;
  std::uint32_t started_count_ = 0;
  std::uint32_t finished_count_ = 0;
  Bytes results_;
  bool loaded_ = false;
  bool announced_ = false;
  bool told_traffic_ = false;
  std::optional<std::string> load_failure_;
  std::optional<protocol::CrashedMessage> crash_;
  std::optional<protocol::ExitedMessage> exit_;
};

}  // namespace gust::invoker
