#include "simulation/arrivals.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <random>
#include <span>

#include "stats/csv.h"
#include "stats/csv_field.h"

namespace gust::simulation {
namespace {

constexpr double kMostSeconds = 1e9;  // thirty years; more would leave the range of a moment

std::chrono::microseconds seconds(double value) {
  return std::chrono::microseconds(static_cast<std::int64_t>(std::llround(value * 1e6)));
}

std::string set_seconds(std::chrono::microseconds& member, std::string_view text) {
  double value = 0;
  if (auto complaint = stats::assign(value, text); !complaint.empty()) return complaint;
  if (!(value >= 0 && value <= kMostSeconds)) return "is not a number of seconds from 0 on";
  member = seconds(value);
  return {};
}

std::string set_column(Arrival& arrival, std::string_view column, std::string_view text) {
  if (column == "at_s") return set_seconds(arrival.at, text);
  if (column == "runtime_s") return set_seconds(arrival.runtime, text);
  if (column == "limit_s") return set_seconds(arrival.limit, text);
  if (column == "namespace") return stats::assign(arrival.namespace_name, text);
  if (column == "granularity") return stats::assign(arrival.granularity, text);
  if (column == "workers") {
    auto complaint = stats::assign(arrival.workers, text);
    return complaint.empty() && arrival.workers == 0 ? "is not a number of workers from 1 on" : complaint;
  }
  if (column == "memory_mb") {
    std::uint32_t megabytes = 0;
    auto complaint = stats::assign(megabytes, text);
    arrival.memory = Bytes::mb(megabytes);
    return complaint;
  }
  double priority = 0;  // the readers of whole numbers know no sign
  auto complaint = stats::assign(priority, text);
  if (!complaint.empty()) return complaint;
  if (priority != std::round(priority) || priority < scheduler::kLeastPriority || priority > scheduler::kMostPriority) {
    return fmt::format("is not a whole number of {} to {}", scheduler::kLeastPriority, scheduler::kMostPriority);
  }
  arrival.priority = static_cast<scheduler::Priority>(priority);
  return {};
}

/// The standard's distributions may differ from library to library; its generators may not.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  /// In (0, 1].
  double unit() { return (static_cast<double>(engine_() >> 11) + 1) / 9007199254740992.0; }
  double exponential(double mean) { return -std::log(unit()) * mean; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace

Result<std::vector<Arrival>> read_arrivals(std::string_view text, const std::string& name) {
  constexpr std::string_view kColumns[] = {"at_s",        "workers",   "runtime_s", "namespace",
                                           "granularity", "memory_mb", "limit_s",   "priority"};
  constexpr std::size_t kNeeded = 3;
  stats::CsvReader reader(text, name);
  stats::CsvRow row;
  std::vector<std::string> header;
  std::multimap<scheduler::Moment, Arrival> arrivals;  // at one moment in the order of the rows
  while (GUST_TRY(reader.next(row))) {
    if (header.empty()) {
      for (std::size_t i = 0; i < row.fields.size(); ++i) {
        if (std::ranges::find(kColumns, row.fields[i]) == std::ranges::end(kColumns)) {
          return reader.fail_at(row.line, i + 1,
                                fmt::format("there is no column '{}'", stats::quotable(row.fields[i])));
        }
        header.emplace_back(row.fields[i]);
      }
      for (const auto needed : std::span(kColumns).first(kNeeded)) {
        if (std::ranges::find(header, needed) == header.end()) {
          return reader.fail_at(row.line, 0, fmt::format("the column {} is missing", needed));
        }
      }
      continue;
    }
    if (row.fields.size() != header.size()) {
      return reader.fail_at(row.line, 0, fmt::format("{} fields under {} columns", row.fields.size(), header.size()));
    }
    Arrival arrival;
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (const auto complaint = set_column(arrival, header[i], row.fields[i]); !complaint.empty()) {
        return reader.fail_at(row.line, i + 1, fmt::format("'{}' {}", stats::quotable(row.fields[i]), complaint));
      }
    }
    const scheduler::Moment at = arrival.at;
    arrivals.emplace(at, std::move(arrival));
  }
  if (arrivals.empty()) return reader.fail_at(1, 0, "there is no flare in it");
  std::vector<Arrival> in_order;
  in_order.reserve(arrivals.size());
  for (auto& [at, arrival] : arrivals) in_order.push_back(std::move(arrival));
  return in_order;
}

std::vector<Arrival> generate(const Generator& generator) {
  constexpr double kBurst = 20;
  Random random(generator.seed);
  std::vector<Arrival> arrivals(generator.flares);
  std::vector<double> times;
  double now = 0;
  double work = 0;
  double left_of_burst = 0;
  std::uint32_t owner = 0;
  for (auto& arrival : arrivals) {
    if (left_of_burst < 1) {
      left_of_burst = generator.pattern == Pattern::kBursty ? std::ceil(random.exponential(kBurst)) : 1;
      now += random.exponential(left_of_burst);
      // Half of them are the first's, a quarter the second's, and so on; the last two have as many.
      const auto halvings = static_cast<std::uint32_t>(-std::log2(random.unit()));
      owner = std::min(halvings, std::max(generator.namespaces, 1U) - 1);
    }
    --left_of_burst;
    times.push_back(now);
    arrival.namespace_name = fmt::format("ns-{}", owner);
    arrival.workers = static_cast<std::uint32_t>(std::pow(std::max(generator.most_workers, 1U), random.unit()));
    arrival.workers = std::max(arrival.workers, 1U);
    arrival.granularity = std::min(generator.granularity, arrival.workers);
    const double runtime = random.exponential(generator.mean_runtime_seconds);
    arrival.limit = generator.limit.count() > 0 ? generator.limit : seconds(runtime * (1 + 4 * random.unit()));
    arrival.runtime = std::min(seconds(runtime), arrival.limit);
    work += arrival.workers * std::chrono::duration<double>(arrival.runtime).count();
  }
  // As long as the slots need for the work, at this load.
  const double span = work / (static_cast<double>(std::max<std::uint64_t>(generator.slots, 1)) * generator.load);
  for (std::size_t i = 0; i < arrivals.size(); ++i) arrivals[i].at = seconds(times[i] / now * span);
  return arrivals;
}

}  // namespace gust::simulation
