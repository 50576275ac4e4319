// A scheduler whose calls and decisions can be written down, one line each, and done again from what was written.
//
// A line is a JSON object: `t` is the moment in microseconds, `do` the call, the rest its arguments and what came of
// it. The first line holds the policy. Questions (place, queue, …) change nothing and are not written.
#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "scheduler/scheduler.h"

namespace gust::scheduler {

/// Thread rule: that of Scheduler, whose functions these are.
class Journal {
 public:
  using Sink = std::function<void(std::string_view line)>;

  explicit Journal(Policy policy = {}) : policy_(std::move(policy)), scheduler_(policy_) {}

  /// From now on every line goes there; the policy's at once. To be called before anything else.
  void tell(Sink sink);

  Result<void> add_invoker(InvokerId invoker, std::uint32_t slots, Bytes memory, Moment now);
  [[nodiscard]] Loss remove_invoker(InvokerId invoker, Moment now);
  bool drain(InvokerId invoker, Moment now);
  bool uncordon(InvokerId invoker, Moment now);
  [[nodiscard]] Result<Admission> submit(Job job, Moment now);
  Result<void> adopt(const Job& job, const packing::Plan& plan, std::span<const PackId> over, Moment now);
  [[nodiscard]] std::vector<Start> admit(Moment now);
  void release(const FlareId& flare, Moment now);
  void release_pack(const FlareId& flare, PackId pack, Moment now);
  bool cancel(const FlareId& flare, Moment now);

  [[nodiscard]] std::optional<Place> place(const FlareId& flare, Moment now) const {
    return scheduler_.place(flare, now);
  }
  [[nodiscard]] std::vector<Waiting> queue(Moment now, std::size_t limit = SIZE_MAX) const {
    return scheduler_.queue(now, limit);
  }
  [[nodiscard]] std::size_t queued() const { return scheduler_.queued(); }
  [[nodiscard]] const Totals& totals() const { return scheduler_.totals(); }
  [[nodiscard]] std::span<const packing::Capacity> invokers() const { return scheduler_.invokers(); }
  [[nodiscard]] packing::Capacity load(std::size_t index) const { return scheduler_.load(index); }
  [[nodiscard]] bool is_cordoned(std::size_t index) const { return scheduler_.is_cordoned(index); }

 private:
  Policy policy_;
  Scheduler scheduler_;
  Sink sink_;
};

/// What a journal holds.
struct Replayed {
  std::size_t calls = 0;    ///< lines after the policy's
  std::size_t starts = 0;   ///< flares that were started
  std::size_t waited = 0;   ///< of these, those that were queued first
  std::size_t refused = 0;  ///< flares that were refused, at once or when an invoker left
};

/// Makes every call of a journal again, and compares what the scheduler decides with what was written.
/// Errors: kInvalid (a line that is not a journal's: its number is named), kInternal (another decision: the line's
/// number, what was written and what was decided now).
Result<Replayed> replay(std::istream& lines);

}  // namespace gust::scheduler
