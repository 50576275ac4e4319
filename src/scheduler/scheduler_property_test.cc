// Random traces of everything that can happen, against books kept apart from the scheduler's.
#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>

#include "scheduler/scheduler.h"

namespace gust::scheduler {
namespace {

using packing::Demand;
using packing::Strategy;

constexpr int kTraces = 100;
constexpr int kSteps = 400;
constexpr std::size_t kQueueLimit = 12;

class Trace {
 public:
  explicit Trace(std::mt19937& random) : random_(random) {}

  void run() {
    for (int step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE(testing::Message() << "step " << step);
      do_something();
      if (below(4) > 0) admit();  // several events may share one call
      compare_books();
    }
    drain();
  }

 private:
  struct Running {
    Bytes memory;
    std::map<std::uint32_t, packing::PlannedPack> open;  // by index in the plan
    std::size_t packs = 0;
  };
  struct Invoker {
    std::uint32_t slots = 0;
    Bytes memory;
  };

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

  template <class Map>
  auto any_of(Map& map) {
    return std::next(map.begin(), below(static_cast<std::uint32_t>(map.size())));
  }

  void do_something() {
    const auto what = below(20);
    if (what < 2) {
      join();
    } else if (what == 2) {
      leave();
    } else if (what < 11) {
      submit();
    } else if (what < 13) {
      cancel();
    } else if (what < 16) {
      release_whole();
    } else {
      release_one_pack();
    }
  }

  void join() {
    const InvokerId id(below(6));  // ids come back, as when an invoker restarts
    const Invoker invoker{.slots = 1 + below(8), .memory = Bytes(below(10))};
    EXPECT_EQ(scheduler_.add_invoker(id, invoker.slots, invoker.memory).has_value(),
              invokers_.emplace(id, invoker).second);
  }

  void leave() {
    if (invokers_.empty()) return;
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
    const auto loss = scheduler_.remove_invoker(gone);
    EXPECT_EQ(loss.broken, broken);
    const auto capacities = free_now();
    std::vector<FlareId> refused;
    for (const auto& each : loss.refused) refused.push_back(each.flare);
    std::vector<FlareId> expected;
    for (const auto& [flare, demand] : waiting_) {
      if (!packing::fits_when_empty(demand, capacities)) expected.push_back(flare);
    }
    EXPECT_EQ(refused, expected);
    std::erase_if(waiting_, [&](const auto& each) { return std::ranges::count(expected, each.first) > 0; });
  }

  void submit() {
    constexpr Strategy kStrategies[] = {Strategy::kHeterogeneous, Strategy::kHomogeneous, Strategy::kMixed};
    const FlareId flare(fmt::format("{:032x}", next_flare_++));
    const Demand demand{.burst_size = 1 + below(16),
                        .strategy = kStrategies[below(3)],
                        .granularity = 1 + below(5),
                        .memory_per_pack = Bytes(below(4))};
    const auto ever = packing::fits_when_empty(demand, free_now());
    const bool now = waiting_.empty() && packing::plan(demand, free_now()).has_value();
    const auto admission = scheduler_.submit(flare, demand);
    if (!ever) {
      ASSERT_FALSE(admission);
      EXPECT_EQ(admission.error().code, ever.error().code);
    } else if (now) {
      ASSERT_TRUE(admission && std::holds_alternative<packing::Plan>(*admission));
      start(flare, demand, std::get<packing::Plan>(*admission));
    } else if (waiting_.size() >= kQueueLimit) {
      ASSERT_FALSE(admission);
      EXPECT_EQ(admission.error().code, ErrorCode::kBusy);
    } else {
      ASSERT_TRUE(admission && std::holds_alternative<Place>(*admission));
      waiting_.emplace_back(flare, demand);
      EXPECT_EQ(std::get<Place>(*admission).position, waiting_.size());
    }
  }

  void cancel() {
    if (waiting_.empty()) return;
    const auto victim = any_of(waiting_);
    EXPECT_TRUE(scheduler_.cancel(victim->first));
    EXPECT_FALSE(scheduler_.cancel(victim->first));
    waiting_.erase(victim);
  }

  void release_whole() {
    if (running_.empty()) return;
    const auto victim = any_of(running_);
    scheduler_.release(victim->first);
    running_.erase(victim);
  }

  void release_one_pack() {
    if (running_.empty()) return;
    const auto victim = any_of(running_);
    const auto pack = below(static_cast<std::uint32_t>(victim->second.packs));  // perhaps one that ended before
    scheduler_.release_pack(victim->first, PackId(pack));
    victim->second.open.erase(pack);
    if (victim->second.open.empty()) running_.erase(victim);
  }

  void admit() {
    for (const auto& [flare, plan] : scheduler_.admit()) {
      ASSERT_FALSE(waiting_.empty()) << "started what did not wait";
      EXPECT_EQ(flare, waiting_.front().first) << "out of order";
      start(flare, waiting_.front().second, plan);
      waiting_.pop_front();
    }
    if (!waiting_.empty()) {
      EXPECT_FALSE(packing::plan(waiting_.front().second, free_now())) << "the head fits but was left waiting";
    }
  }

  void start(const FlareId& flare, const Demand& demand, const packing::Plan& plan) {
    EXPECT_TRUE(started_.insert(flare).second) << "started twice";
    Running running{.memory = demand.memory_per_pack, .open = {}, .packs = plan.size()};
    std::uint32_t workers = 0;
    for (const auto& pack : plan) {
      running.open.emplace(static_cast<std::uint32_t>(running.open.size()), pack);
      workers += pack.workers.count;
    }
    EXPECT_EQ(workers, demand.burst_size);
    running_.emplace(flare, std::move(running));
    free_now();  // fails if anything is taken twice
  }

  /// What is free by our books: totals less the open packs.
  std::vector<packing::Capacity> free_now() {
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
    std::vector<packing::Capacity> result;
    for (const auto& each : free) result.push_back(each.second);
    return result;
  }

  void compare_books() {
    const auto ours = free_now();
    std::vector<packing::Capacity> theirs(scheduler_.invokers().begin(), scheduler_.invokers().end());
    std::ranges::sort(theirs, {}, &packing::Capacity::invoker);
    ASSERT_EQ(ours.size(), theirs.size());
    Totals totals{.invokers = ours.size(), .slots_total = 0, .slots_free = 0, .memory_total = {}, .memory_free = {}};
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

    const auto queue = scheduler_.queue();
    ASSERT_EQ(queue.size(), waiting_.size());
    for (std::size_t i = 0; i < queue.size(); ++i) {
      EXPECT_EQ(queue[i].flare, waiting_[i].first);
      EXPECT_EQ(queue[i].place.position, i + 1);
      EXPECT_FALSE(queue[i].place.reason.empty());
      EXPECT_EQ(scheduler_.place(queue[i].flare)->position, i + 1);
    }
  }

  /// When everything that runs ends, again and again, everything that waits must have run.
  void drain() {
    for (int round = 0; !waiting_.empty() || !running_.empty(); ++round) {
      ASSERT_LT(round, 1000) << "flares are stuck";
      admit();
      while (!running_.empty()) release_whole();
      compare_books();
    }
    EXPECT_EQ(scheduler_.totals().slots_free, scheduler_.totals().slots_total);
    EXPECT_EQ(scheduler_.totals().memory_free, scheduler_.totals().memory_total);
  }

  std::mt19937& random_;
  Scheduler scheduler_{kQueueLimit};
  std::map<InvokerId, Invoker> invokers_;
  std::deque<std::pair<FlareId, Demand>> waiting_;
  std::map<FlareId, Running> running_;
  std::set<FlareId> started_;
  std::uint64_t next_flare_ = 1;
};

TEST(SchedulerProperties, RandomTracesKeepTheBooks) {
  const auto seed = std::random_device()();
  for (int i = 0; i < kTraces && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", trace " << i);
    std::mt19937 random(seed + static_cast<std::uint32_t>(i));
    Trace(random).run();
  }
}

}  // namespace
}  // namespace gust::scheduler
