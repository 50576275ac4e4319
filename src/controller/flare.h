// One flare's life as a state machine without I/O: what is known of its packs and workers, and when it is over.
//
//   queued -> reserved -> starting -> running -> finishing -> succeeded | failed | cancelled | timed out
//     ^                                              |
//     +---- lost with an invoker or a pack ----------+  as often as its request allows
//
// A cause of failure sends it to `finishing` from any state; it ends when the last of its packs has ended. The first
// cause stays, unless it is that a controller before this one has stopped a pack: then the first that says why. Only on
// the controller's strand.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "controller/controller.h"
#include "packing/packing.h"
#include "protocol/control.pb.h"
#include "store/records.h"
#include "store/store.h"

namespace gust::controller {

class Flare {
 public:
  Flare(FlareId id, FlareRequest request);
  /// One that the controller before has left: as its to_open() was, with nothing known of its workers.
  explicit Flare(store::OpenFlare open);
  /// What a later controller has to know. Its invokers tell the rest.
  [[nodiscard]] store::OpenFlare to_open() const;

  [[nodiscard]] const store::FlareRecord& record() const { return record_; }
  [[nodiscard]] const FlareId& id() const { return record_.id; }
  [[nodiscard]] const FlareId& run() const { return record_.run; }
  /// The texts of the workers' parameters, until drop_params().
  [[nodiscard]] const std::vector<std::string>& params() const { return params_; }
  void drop_params();

  void queue(WallTime at);
  /// Its packs hold their slots. Makes the activations too, unless the flare was queued and has promised them already.
  void reserve(const packing::Plan& plan, const std::function<std::string(InvokerId)>& name_of, WallTime at);
  /// The invokers have been told.
  void start(WallTime at);

  /// It was thought to wait, and had been started by the controller before: its packs begin with these workers, on
  /// invokers that are still to be named. False if that cannot be.
  [[nodiscard]] bool find_started(const google::protobuf::RepeatedField<std::uint32_t>& pack_first_worker,
                                  WallTime now);
  /// This invoker of the controller before runs the pack, and has this id now.
  void attach_pack(PackId pack, InvokerId invoker, const std::string& name);

  /// What a report meant for the flare.
  enum class Effect : std::uint8_t { kNone, kPackEnded };

  /// Takes one pack's news from the invoker that runs it. Reports that make no sense (a pack of another invoker, a
  /// worker of another pack, anything after the end) are refused with kInvalid and change nothing.
  Result<Effect> apply(InvokerId from, const protocol::PackReport& report, WallTime now);
  /// The pack is gone with its invoker.
  Effect lose_pack(PackId pack, const std::string& why, WallTime now);
  /// Ends the flare with this outcome once its packs have ended. Ignored when there is a cause already, unless that
  /// would have been followed by another attempt and the outcome is kCancelled.
  void abort(store::FlareState outcome, Error cause, WallTime now);

  /// True from a cause of failure on: its packs are to be stopped.
  [[nodiscard]] bool is_failing() const { return record_.cause.has_value(); }
  [[nodiscard]] bool all_packs_ended() const { return packs_ended_ == record_.packs.size(); }
  /// It failed through no fault of its own, and may start again once its packs have ended.
  [[nodiscard]] bool may_retry() const { return is_lost_ && record_.lost.size() < record_.retries; }
  /// Requires may_retry() and all_packs_ended(). It is as if it had just been queued, under a `run` of its own, so that
  /// late news of the attempt before cannot be taken for news of the next; its activations stay.
  void retry(WallTime now);
  /// "workers 3, 7 and 12 more": those that have not finished; for time limits.
  [[nodiscard]] std::string unfinished_workers() const;
  /// Sets the final state. Requires all_packs_ended().
  void finish(WallTime now);
  /// Gives the record away, after finish().
  [[nodiscard]] store::FlareRecord release() && { return std::move(record_); }

 private:
  Result<void> check(InvokerId from, const protocol::PackReport& report) const;
  void apply_started(const protocol::WorkersStarted& started);
  void apply_finished(const protocol::WorkersFinished& finished);
  void apply_ended(PackId pack, const protocol::PackEnded& ended, WallTime now);
  void end_pack(PackId pack, store::PackCause cause, const std::string& message, WallTime ended, WallTime now);
  void mark_started(store::WorkerRecord& worker, WallTime at);
  void advance(WallTime now);

  store::FlareRecord record_;
  std::vector<std::string> params_;
  store::FlareState outcome_ = store::FlareState::kSucceeded;
  std::size_t packs_ended_ = 0;
  bool is_lost_ = false;     // the cause is the loss of an invoker or a pack
  bool is_hearsay_ = false;  // the cause is that a pack was stopped, and not by this controller
};

/// A copy for readers; kSummary leaves out packs, workers and results.
store::FlarePtr copy_record(const store::FlareRecord& record, Detail detail);

}  // namespace gust::controller
