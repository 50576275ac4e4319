#include "simulation/simulator.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <queue>
#include <set>
#include <utility>

#include "base/check.h"

namespace gust::simulation {
namespace {

using scheduler::Moment;

double to_seconds(std::chrono::microseconds time) { return std::chrono::duration<double>(time).count(); }

FlareId id_of(std::size_t index) { return FlareId(fmt::format("{:032x}", index)); }

std::size_t index_of(const FlareId& flare) {
  std::size_t index = 0;
  const auto& text = flare.str();
  std::from_chars(text.data(), text.data() + text.size(), index, 16);
  return index;
}

scheduler::Job job_of(const Arrival& arrival, std::size_t index) {
  return {.flare = id_of(index),
          .namespace_name = arrival.namespace_name,
          .demand = {.burst_size = arrival.workers,
                     .strategy =
                         arrival.granularity == 0 ? packing::Strategy::kHeterogeneous : packing::Strategy::kHomogeneous,
                     .granularity = arrival.granularity,
                     .memory_per_pack = arrival.memory},
          .time_limit = arrival.limit,
          .priority = arrival.priority};
}

class Simulator {
 public:
  Simulator(const scheduler::Policy& policy, const std::vector<Arrival>& arrivals)
      : journal_(policy), arrivals_(arrivals) {}

  Result<Report> run(const Cluster& cluster, scheduler::Journal::Sink sink) {
    if (sink) journal_.tell(std::move(sink));
    for (std::uint32_t i = 0; i < cluster.invokers; ++i) {
      GUST_TRY_VOID(journal_.add_invoker(InvokerId(i), cluster.slots, cluster.memory, Moment(0)));
    }
    report_.flares = arrivals_.size();
    std::size_t next = 0;
    while (next < arrivals_.size() || !ends_.empty()) {
      const auto now = ends_.empty()              ? arrivals_[next].at
                       : next == arrivals_.size() ? ends_.top().first
                                                  : std::min(arrivals_[next].at, ends_.top().first);
      for (; !ends_.empty() && ends_.top().first == now; ends_.pop()) journal_.release(id_of(ends_.top().second), now);
      admit(now);
      for (; next < arrivals_.size() && arrivals_[next].at == now; ++next) arrive(next, now);
      admit(now);
      report_.longest_queue = std::max(report_.longest_queue, journal_.queued());
      last_ = now;
    }
    GUST_CHECK(journal_.queued() == 0 && journal_.totals().slots_free == journal_.totals().slots_total,
               "a simulation ends with an empty cluster");
    return summary();
  }

 private:
  void arrive(std::size_t index, Moment now) {
    const auto admission = journal_.submit(job_of(arrivals_[index], index), now);
    if (!admission) {
      ++report_.refused[std::string(to_string(admission.error().code))];
    } else if (*admission) {
      start(index, now);
    } else {
      waiting_[line_of(index)].insert(index);
    }
  }

  void admit(Moment now) {
    for (const auto& started : journal_.admit(now)) {
      const auto index = index_of(started.flare);
      waiting_[line_of(index)].erase(index);
      start(index, now);
    }
  }

  void start(std::size_t index, Moment now) {
    const auto& arrival = arrivals_[index];
    const auto runtime = std::min(arrival.runtime, arrival.limit);
    ends_.emplace(now + runtime, index);
    ++report_.started;
    report_.waited += now > arrival.at ? 1 : 0;
    const auto& line = waiting_[line_of(index)];
    report_.overtook += !line.empty() && *line.begin() < index ? 1 : 0;

    const double wait = to_seconds(now - arrival.at);
    const double seconds = to_seconds(runtime);
    waits_.push_back(wait);
    auto& owner = report_.namespaces[arrival.namespace_name];
    ++owner.flares;
    owner.slot_seconds += seconds * arrival.workers;
    owner.mean_wait += wait;  // sums until the end
    owner.mean_stretch += (wait + seconds) / std::max(seconds, 1.0);
  }

  Report summary() {
    const double span = arrivals_.empty() ? 0 : to_seconds(last_ - arrivals_.front().at);
    double work = 0;
    std::vector<double> stretches;
    for (auto& [name, owner] : report_.namespaces) {
      work += owner.slot_seconds;
      owner.mean_wait /= static_cast<double>(owner.flares);
      owner.mean_stretch /= static_cast<double>(owner.flares);
      stretches.push_back(owner.mean_stretch);
    }
    report_.span = span;
    if (span > 0) report_.utilisation = work / (span * static_cast<double>(journal_.totals().slots_total));
    if (!waits_.empty()) report_.wait = stats::summarize(std::move(waits_));
    report_.jain = jain_index(stretches);
    return std::move(report_);
  }

  /// Flares of one line have the same right but for their age.
  std::pair<std::string, scheduler::Priority> line_of(std::size_t index) const {
    return {arrivals_[index].namespace_name, arrivals_[index].priority};
  }

  using End = std::pair<Moment, std::size_t>;

  scheduler::Journal journal_;
  const std::vector<Arrival>& arrivals_;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::map<std::pair<std::string, scheduler::Priority>, std::set<std::size_t>> waiting_;
  std::vector<double> waits_;
  Moment last_{0};
  Report report_;
};

}  // namespace

Result<Report> simulate(const Cluster& cluster, const scheduler::Policy& policy, const std::vector<Arrival>& arrivals,
                        scheduler::Journal::Sink sink) {
  return Simulator(policy, arrivals).run(cluster, std::move(sink));
}

double jain_index(const std::vector<double>& values) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(values.size()) * squares) : 1;
}

}  // namespace gust::simulation
