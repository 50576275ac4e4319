// Random traces of everything that can happen, against books kept apart from the scheduler's: nothing is
// over-committed, lost, started twice or out of turn, and what the head of the queue was promised is kept.
#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "scheduler/scheduler.h"

namespace gust::scheduler {
namespace {

using packing::Demand;
using packing::Strategy;
using namespace std::chrono_literals;

constexpr int kTraces = 150;
constexpr int kSteps = 400;
constexpr std::size_t kQueueLimit = 12;
constexpr const char* kNamespaces[] = {"plain", "heavy", "limited"};
constexpr std::uint64_t kQuota = 9;

Policy policy() {
  Policy policy;
  policy.queue_limit = kQueueLimit;
  policy.ageing = 20s;
  policy.half_life = 30s;
  policy.shares = {{"heavy", {.weight = 4}}, {"limited", {.weight = 1, .quota = kQuota}}};
  return policy;
}

enum class Ranks : std::uint8_t {
  kMany,  ///< priorities and namespaces
  kOne,   ///< nobody has more right than who came before, so what the head was promised must be kept
};

class Trace {
 public:
  Trace(std::mt19937& random, Ranks ranks) : random_(random), ranks_(ranks) {}

  void run() {
    for (int step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE(testing::Message() << "step " << step);
      pass_time();
      do_something();
      if (below(4) > 0) admit();  // several events may share one call
      compare_books();
    }
    end_all();
  }

 private:
  struct Running {
    std::string namespace_name;
    Bytes memory;
    Moment ends{0};
    std::map<std::uint32_t, packing::PlannedPack> open;  // by index in the plan
    std::size_t packs = 0;
  };
  struct Invoker {
    std::uint32_t slots = 0;
    Bytes memory;
    bool drained = false;
  };

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

  template <class Map>
  auto any_of(Map& map) {
    return std::next(map.begin(), below(static_cast<std::uint32_t>(map.size())));
  }

  /// Time limits are kept: whoever is still there then is ended.
  void pass_time() {
    const auto until = now_ + std::chrono::milliseconds(below(3000));
    for (;;) {
      const auto next = std::ranges::min_element(running_, {}, [](const auto& each) { return each.second.ends; });
      if (next == running_.end() || next->second.ends > until) break;
      now_ = std::max(now_, next->second.ends);
      release(next);
      admit();
    }
    now_ = until;
  }

  void do_something() {
    const auto what = below(22);
    if (what < 2) {
      join();
    } else if (what == 2) {
      leave();
    } else if (what == 3) {
      drain();
    } else if (what == 4) {
      uncordon();
    } else if (what < 14) {
      submit();
    } else if (what < 15) {
      cancel();
    } else if (what < 18) {
      if (!running_.empty()) release(any_of(running_));
    } else {
      release_one_pack();
    }
  }

  void join() {
    const InvokerId id(below(6));  // ids come back, as when an invoker restarts
    const Invoker invoker{.slots = 1 + below(8), .memory = Bytes(below(10))};
    const bool is_new = invokers_.emplace(id, invoker).second;
    EXPECT_EQ(scheduler_.add_invoker(id, invoker.slots, invoker.memory).has_value(), is_new);
    happened_ |= is_new;
  }

  void leave() {
    if (invokers_.empty()) return;
    promised_.reset();
    happened_ = true;
    const auto gone = any_of(invokers_)->first;
    invokers_.erase(gone);
    std::vector<FlareId> broken;
    for (auto running = running_.begin(); running != running_.end();) {
      auto& open = running->second.open;
      if (std::erase_if(open, [&](const auto& pack) { return pack.second.invoker == gone; }) > 0) {
        broken.push_back(running->first);
      }
      running = open.empty() ? running_.erase(running) : std::next(running);
    }
    const auto loss = scheduler_.remove_invoker(gone, now_);
    EXPECT_EQ(loss.broken, broken);
    const auto capacities = free_now();
    std::vector<FlareId> refused;
    for (const auto& each : loss.refused) refused.push_back(each.flare);
    std::vector<FlareId> expected;  // the ids are in the order of submission
    for (const auto& [flare, job] : waiting_) {
      if (!packing::fits_when_empty(job.demand, capacities)) expected.push_back(flare);
    }
    EXPECT_EQ(refused, expected);
    for (const auto& flare : expected) waiting_.erase(flare);
  }

  void drain() {
    if (invokers_.empty()) return;
    promised_.reset();
    const auto victim = any_of(invokers_);
    victim->second.drained = true;
    EXPECT_TRUE(scheduler_.drain(victim->first));
  }

  void uncordon() {
    if (invokers_.empty()) return;
    const auto victim = any_of(invokers_);
    victim->second.drained = false;
    happened_ = true;
    EXPECT_TRUE(scheduler_.uncordon(victim->first));
  }

  void submit() {
    constexpr Strategy kStrategies[] = {Strategy::kHeterogeneous, Strategy::kHomogeneous, Strategy::kMixed};
    const Job job{.flare = FlareId(fmt::format("{:032x}", next_flare_++)),
                  .namespace_name = kNamespaces[ranks_ == Ranks::kOne ? 0 : below(3)],
                  .demand = {.burst_size = 1 + below(16),
                             .strategy = kStrategies[below(3)],
                             .granularity = 1 + below(5),
                             .memory_per_pack = Bytes(below(4))},
                  .time_limit = std::chrono::milliseconds(1 + below(20'000)),
                  .priority = ranks_ == Ranks::kOne ? 0 : static_cast<Priority>(below(21)) - 10};
    const auto ever = packing::fits_when_empty(job.demand, free_now());
    const bool over_quota = job.namespace_name == "limited" && job.demand.burst_size > kQuota;
    const bool fits = has_room(job) && packing::plan(job.demand, free_now()).has_value();
    const auto admission = scheduler_.submit(job, now_);
    if (!ever || over_quota) {
      ASSERT_FALSE(admission);
      EXPECT_EQ(admission.error().code, ever ? ErrorCode::kNeverFits : ever.error().code);
    } else if (!admission) {
      EXPECT_EQ(admission.error().code, ErrorCode::kBusy);
      EXPECT_EQ(waiting_.size(), kQueueLimit);
    } else if (*admission) {
      EXPECT_TRUE(fits);
      happened_ |= !waiting_.empty();  // it passed others
      start(job, **admission);
    } else {
      EXPECT_TRUE(!fits || !waiting_.empty());
      waiting_.emplace(job.flare, job);
      EXPECT_LE(waiting_.size(), kQueueLimit);
    }
  }

  void cancel() {
    if (waiting_.empty()) return;
    const auto victim = any_of(waiting_);
    EXPECT_TRUE(scheduler_.cancel(victim->first));
    EXPECT_FALSE(scheduler_.cancel(victim->first));
    happened_ = true;
    waiting_.erase(victim);
  }

  void release(std::map<FlareId, Running>::iterator victim) {
    scheduler_.release(victim->first, now_);
    running_.erase(victim);
    happened_ = true;
  }

  void release_one_pack() {
    if (running_.empty()) return;
    const auto victim = any_of(running_);
    const auto pack = below(static_cast<std::uint32_t>(victim->second.packs));  // perhaps one that ended before
    scheduler_.release_pack(victim->first, PackId(pack), now_);
    happened_ |= victim->second.open.erase(pack) > 0;
    if (victim->second.open.empty()) running_.erase(victim);
  }

  void admit() {
    for (const auto& [flare, plan] : scheduler_.admit(now_)) {
      const auto waited = waiting_.find(flare);
      ASSERT_NE(waited, waiting_.end()) << "started what did not wait";
      const auto job = waited->second;
      waiting_.erase(waited);
      start(job, plan);
    }
    const auto free = free_now();
    std::set<std::string> blocked;
    std::optional<FlareId> head;
    for (const auto& [job, submitted, place] : scheduler_.queue(now_)) {
      if (!has_room(job)) blocked.insert(job.namespace_name);
      if (blocked.contains(job.namespace_name)) continue;
      if (std::exchange(happened_, false)) {
        EXPECT_FALSE(packing::plan(job.demand, free)) << "the head fits but was left waiting";
      }
      head = job.flare;
      if (ranks_ == Ranks::kMany) break;
      EXPECT_EQ(job.flare, waiting_.begin()->first) << "the ids are in the order of submission";
      if (place.starts_by) {
        keep_promise(job.flare, *place.starts_by);
      } else {
        promised_.reset();
      }
      break;
    }
    if (!head) promised_.reset();
  }

  /// While the same flare is the head and no capacity is lost, its time only comes nearer.
  void keep_promise(const FlareId& head, Moment starts_by) {
    if (promised_ && promised_->first == head) {
      EXPECT_LE(starts_by, promised_->second) << "the head's start was put off";
      EXPECT_LE(now_, promised_->second) << "the head was promised to start before";
    }
    promised_ = {head, starts_by};
  }

  void start(const Job& job, const packing::Plan& plan) {
    EXPECT_TRUE(has_room(job)) << "over its namespace's quota";
    EXPECT_TRUE(started_.insert(job.flare).second) << "started twice";
    Running running{.namespace_name = job.namespace_name,
                    .memory = job.demand.memory_per_pack,
                    .ends = now_ + job.time_limit,
                    .open = {},
                    .packs = plan.size()};
    std::uint32_t workers = 0;
    for (const auto& pack : plan) {
      EXPECT_FALSE(invokers_.at(pack.invoker).drained);
      running.open.emplace(static_cast<std::uint32_t>(running.open.size()), pack);
      workers += pack.workers.count;
    }
    EXPECT_EQ(workers, job.demand.burst_size);
    running_.emplace(job.flare, std::move(running));
    free_now();  // fails if anything is taken twice
  }

  bool has_room(const Job& job) const {
    if (job.namespace_name != "limited") return true;
    std::uint64_t held = job.demand.burst_size;
    for (const auto& [flare, running] : running_) {
      if (running.namespace_name != "limited") continue;
      for (const auto& [index, pack] : running.open) held += pack.workers.count;
    }
    return held <= kQuota;
  }

  /// What is free by our books, cordoned or not: totals less the open packs.
  std::map<InvokerId, packing::Capacity> loads() {
    std::map<InvokerId, packing::Capacity> free;
    for (const auto& [id, each] : invokers_) free[id] = {id, each.slots, each.memory, each.slots, each.memory};
    for (const auto& [flare, running] : running_) {
      for (const auto& [index, pack] : running.open) {
        auto& capacity = free.at(pack.invoker);
        EXPECT_LE(pack.workers.count, capacity.free_slots);
        EXPECT_LE(running.memory, capacity.free_memory);
        capacity.free_slots -= pack.workers.count;
        capacity.free_memory -= running.memory;
      }
    }
    return free;
  }

  std::vector<packing::Capacity> free_now() {
    std::vector<packing::Capacity> result;
    for (auto [id, capacity] : loads()) {
      if (invokers_.at(id).drained) {
        capacity.free_slots = 0;
        capacity.free_memory = Bytes();
      }
      result.push_back(capacity);
    }
    return result;
  }

  void compare_books() {
    const auto ours = free_now();
    auto real = loads();
    for (std::size_t i = 0; i < scheduler_.invokers().size(); ++i) {
      const auto theirs = scheduler_.load(i);
      EXPECT_EQ(theirs.free_slots, real.at(theirs.invoker).free_slots);
      EXPECT_EQ(theirs.free_memory, real.at(theirs.invoker).free_memory);
      EXPECT_EQ(scheduler_.is_cordoned(i), invokers_.at(theirs.invoker).drained);
    }
    std::vector<packing::Capacity> theirs(scheduler_.invokers().begin(), scheduler_.invokers().end());
    std::ranges::sort(theirs, {}, &packing::Capacity::invoker);
    ASSERT_EQ(ours.size(), theirs.size());
    Totals totals;
    totals.invokers = ours.size();
    totals.cordoned = static_cast<std::size_t>(
        std::ranges::count_if(invokers_, [](const auto& each) { return each.second.drained; }));
    for (std::size_t i = 0; i < ours.size(); ++i) {
      EXPECT_EQ(ours[i].invoker, theirs[i].invoker);
      EXPECT_EQ(ours[i].free_slots, theirs[i].free_slots);
      EXPECT_EQ(ours[i].free_memory, theirs[i].free_memory);
      EXPECT_EQ(ours[i].total_slots, theirs[i].total_slots);
      EXPECT_EQ(ours[i].total_memory, theirs[i].total_memory);
      totals.slots_total += ours[i].total_slots;
      totals.slots_free += ours[i].free_slots;
      totals.memory_total += ours[i].total_memory;
      totals.memory_free += ours[i].free_memory;
    }
    EXPECT_EQ(scheduler_.totals(), totals);
    EXPECT_EQ(scheduler_.running(), running_.size());

    const auto queue = scheduler_.queue(now_);
    ASSERT_EQ(queue.size(), waiting_.size());
    for (std::size_t i = 0; i < queue.size(); ++i) {
      EXPECT_TRUE(waiting_.contains(queue[i].job.flare));
      EXPECT_EQ(queue[i].place.position, i + 1);
      EXPECT_FALSE(queue[i].place.reason.empty());
      EXPECT_EQ(scheduler_.place(queue[i].job.flare, now_)->position, i + 1);
    }
  }

  /// When everything that runs ends, again and again, everything that waits must have run.
  void end_all() {
    for (auto& [id, invoker] : invokers_) {
      invoker.drained = false;
      scheduler_.uncordon(id);
    }
    for (int round = 0; !waiting_.empty() || !running_.empty(); ++round) {
      ASSERT_LT(round, 1000) << "flares are stuck";
      admit();
      while (!running_.empty()) release(any_of(running_));
      compare_books();
    }
    EXPECT_EQ(scheduler_.totals().slots_free, scheduler_.totals().slots_total);
    EXPECT_EQ(scheduler_.totals().memory_free, scheduler_.totals().memory_total);
    for (const char* name : kNamespaces) EXPECT_EQ(scheduler_.held(name), 0);
  }

  std::mt19937& random_;
  Ranks ranks_;
  Scheduler scheduler_{policy()};
  Moment now_{0};
  std::map<InvokerId, Invoker> invokers_;
  std::map<FlareId, Job> waiting_;
  std::map<FlareId, Running> running_;
  std::set<FlareId> started_;
  std::optional<std::pair<FlareId, Moment>> promised_;
  bool happened_ = false;  // something that admit() has not been asked about yet
  std::uint64_t next_flare_ = 1;
};

TEST(SchedulerProperties, RandomTracesKeepTheBooks) {
  const auto seed = std::random_device()();
  for (int i = 0; i < kTraces && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", trace " << i);
    std::mt19937 random(seed + static_cast<std::uint32_t>(i));
    Trace(random, i % 2 == 0 ? Ranks::kMany : Ranks::kOne).run();
  }
}

Demand workers(std::uint32_t n) {
  return {.burst_size = n, .strategy = Strategy::kHeterogeneous, .granularity = 0, .memory_per_pack = Bytes()};
}

/// A flare that others have more right than, and that needs the whole cluster, under an overload without end.
/// Gives how many came after it and started before it.
int start_under_overload(std::mt19937& random) {
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  Policy rules;
  rules.queue_limit = 1'000'000;
  rules.ageing = 10s;
  Scheduler scheduler(rules);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(scheduler.add_invoker(InvokerId(i), 8, Bytes::mb(8)));

  const FlareId large(std::string(32, 'f'));
  Moment now{0};
  std::map<FlareId, Moment> ends;
  std::set<FlareId> late;
  bool large_started = false;
  int passed = 0;
  std::uint64_t next = 1;
  for (; !large_started; now += 100ms) {
    // 20 steps of priority and log2(1 + 2 x 32) of use are 26 times the ageing; what came until then goes first.
    if (now >= 600s) {
      ADD_FAILURE() << "it starves";
      break;
    }
    for (auto each = ends.begin(); each != ends.end();) {
      if (each->second > now) {
        ++each;
        continue;
      }
      scheduler.release(each->first, now);
      each = ends.erase(each);
    }
    for (const auto& start : scheduler.admit(now)) {
      large_started |= start.flare == large;
      passed += static_cast<int>(late.count(start.flare));
      ends[start.flare] = now + 4s;
    }
    if (now % 500ms == 0ms) {  // 11 slots a second, of 8 that come free
      const FlareId id(fmt::format("{:032x}", next++));
      const auto admission = scheduler.submit({.flare = id,
                                               .namespace_name = fmt::format("small-{}", below(5)),
                                               .demand = workers(2 + below(8)),
                                               .time_limit = 5s,
                                               .priority = kMostPriority},
                                              now);
      if (admission && *admission) ends[id] = now + 4s;
      if (admission && now > 20s) {
        if (*admission) {
          ++passed;
        } else {
          late.insert(id);
        }
      }
    }
    if (now == 20s) {
      EXPECT_TRUE(scheduler.submit({.flare = large,
                                    .namespace_name = "small-0",
                                    .demand = workers(32),
                                    .time_limit = 5s,
                                    .priority = kLeastPriority},
                                   now));
    }
  }
  return passed;
}

TEST(SchedulerProperties, NothingStarves) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  int passed = 0;
  for (int round = 0; round < 20; ++round) passed += start_under_overload(random);
  EXPECT_GT(passed, 20) << "it had the least right of all";
}

}  // namespace
}  // namespace gust::scheduler
