#include "bench/startup.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <thread>

#include "base/clock.h"
#include "bench/floor.h"
#include "stats/report.h"
#include "stats/result_file.h"

namespace gust::bench {

namespace {

constexpr const char* kAction = "gust-bench-sleep";

// How long the controller is watched with nothing to do: what its heartbeats cost is not a flare's.
constexpr std::chrono::microseconds kIdleTime = std::chrono::seconds(1);

constexpr std::chrono::seconds kPrewarmPatience(60);

// Before anything is measured. The kernel takes down a thousand processes and their namespaces for some time after
// their end, and what is pre-warmed was created just now: that is a part neither of the floor nor of a burst.
constexpr std::chrono::milliseconds kQuietTime(500);

// Every worker has run once, in a thread of the process that its pack says, and no two are the same.
Result<void> verify_workers(const Outcome& outcome, const StartupOptions& options) {
  std::set<std::pair<std::string, std::uint64_t>> ran;
  for (const Json& flare : outcome.flares) {
    for (const Json& worker : flare.at("workers")) {
      const auto said = worker.at("result").at("worker_id").get<std::uint64_t>();
      if (said != worker.at("worker").get<std::uint64_t>()) {
        return fail(ErrorCode::kInternal, fmt::format("worker {} returned the result of worker {}",
                                                      worker.at("worker").get<std::uint64_t>(), said));
      }
      ran.emplace(flare.at("id").get<std::string>(), said);
    }
  }
  if (ran.size() != options.workers || outcome.records.size() != options.workers) {
    return fail(ErrorCode::kInternal, fmt::format("{} distinct workers ran ({} records), not {}", ran.size(),
                                                  outcome.records.size(), options.workers));
  }
  return {};
}

Result<void> verify(const Outcome& outcome, const stats::RunSummary& summary, Mode mode,
                    const StartupOptions& options) {
  GUST_TRY_VOID(verify_workers(outcome, options));
  if (!mode.faas && summary.peak_concurrent != options.workers) {
    return fail(ErrorCode::kInternal,
                fmt::format("only {} of {} workers ran at the same time; let them sleep for longer with --sleep",
                            summary.peak_concurrent, options.workers));
  }
  return {};
}

class Experiment {
 public:
  Experiment(const Target& target, Observer& observer, const StartupOptions& options)
      : target_(target), observer_(observer), options_(options) {}

  // The code reaches every invoker and its file the page cache, as gust-pack's is when the floor is measured.
  Result<void> prepare() {
    job_.action = kAction;
    job_.workers = options_.workers;
    job_.code_size = GUST_TRY(
        deploy(observer_, kAction, options_.worker_object, options_.memory,
               std::chrono::milliseconds(static_cast<std::int64_t>(options_.sleep * 1000)) + std::chrono::minutes(1)));
    job_.params = R"({"seconds":0})";
    const std::uint32_t granularity = largest_granularity();
    GUST_TRY(run_burst(target_, observer_, job_, granularity));
    GUST_TRY(measure_floor(floor_shape(granularity), options_.pack_binary));
    job_.params = fmt::format(R"({{"seconds":{}}})", options_.sleep);
    const auto idle_before = GUST_TRY(observer_.controller_cpu());
    std::this_thread::sleep_for(kIdleTime);
    idle_cpu_ = GUST_TRY(observer_.controller_cpu()) - idle_before;
    return {};
  }

  Result<StartupRun> run(Mode mode, std::uint32_t number) {
    std::this_thread::sleep_for(kQuietTime);
    const std::vector<double> floor = GUST_TRY(measure_floor(floor_shape(mode.granularity), options_.pack_binary));
    GUST_TRY_VOID(wait_until_prewarmed());
    std::this_thread::sleep_for(kQuietTime);
    Outcome outcome = GUST_TRY(mode.faas ? run_faas(target_, observer_, job_, options_.outstanding)
                                         : run_burst(target_, observer_, job_, mode.granularity));
    for (stats::Record& record : outcome.records) record.run = number;
    const std::vector<stats::Run> runs = stats::split_runs(outcome.records);
    StartupRun run;
    run.mode = mode;
    run.summary = stats::summarize(runs.at(0));
    run.floor_max = std::ranges::max(floor);
    run.prewarmed = count_prewarmed(outcome);
    run.ratio_to_floor = run.summary.latency.max / run.floor_max;
    run.controller_cpu = std::max(std::chrono::microseconds(0),
                                  outcome.controller_cpu - idle_cpu_ * outcome.watched.count() / kIdleTime.count());
    GUST_TRY_VOID(verify(outcome, run.summary, mode, options_));
    std::vector<stats::Record>& all = records_[mode.file_name()];
    all.insert(all.end(), outcome.records.begin(), outcome.records.end());
    if (!options_.out.empty()) GUST_TRY_VOID(write(mode, all));
    return run;
  }

 private:
  [[nodiscard]] FloorShape floor_shape(std::uint32_t granularity) const {
    return {.workers = options_.workers,
            .granularity = granularity,
            .namespaces = options_.namespaces,
            .prewarmed = options_.prewarmed != 0};
  }

  // What the run before took is replaced, and the invokers are quiet again.
  Result<void> wait_until_prewarmed() {
    const SteadyTime deadline = std::chrono::steady_clock::now() + kPrewarmPatience;
    while (options_.prewarmed != 0) {
      const Json status = GUST_TRY(observer_.get("/gust/status"));
      const auto ready = status.at("totals").at("prewarmed").get<std::uint32_t>();
      if (ready == options_.prewarmed) break;
      if (std::chrono::steady_clock::now() > deadline) {
        return fail(ErrorCode::kTimedOut, fmt::format("{} of {} containers were pre-warmed after {} s", ready,
                                                      options_.prewarmed, kPrewarmPatience.count()));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return {};
  }

  static std::uint32_t count_prewarmed(const Outcome& outcome) {
    std::uint32_t count = 0;
    for (const Json& flare : outcome.flares) {
      for (const Json& pack : flare.at("packs")) count += pack.at("prewarmed").get<bool>() ? 1 : 0;
    }
    return count;
  }

  [[nodiscard]] std::uint32_t largest_granularity() const {
    return std::ranges::max_element(options_.modes, {}, &Mode::granularity)->granularity;
  }

  Result<void> write(Mode mode, const std::vector<stats::Record>& records) const {
    const std::filesystem::path folder = options_.out / std::to_string(options_.workers);
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail(ErrorCode::kInvalid, fmt::format("cannot make {}: {}", folder.string(), error.message()));
    return stats::write_results(folder / mode.file_name(), records);
  }

  const Target& target_;
  Observer& observer_;
  const StartupOptions& options_;
  Job job_;
  std::chrono::microseconds idle_cpu_{0};  // of the controller, in kIdleTime with nothing to do
  std::map<std::string, std::vector<stats::Record>> records_;
};

}  // namespace

Result<std::vector<StartupRun>> run_startup(const Target& target, const StartupOptions& options, const Say& say) {
  Observer observer = GUST_TRY(Observer::create(target));
  Experiment experiment(target, observer, options);
  const auto total = static_cast<std::uint32_t>(options.modes.size()) * options.repeat;
  say("warming up", 0, total);
  GUST_TRY_VOID(experiment.prepare());
  std::vector<StartupRun> runs;
  for (std::uint32_t number = 1; number <= options.repeat; ++number) {
    for (const Mode mode : options.modes) {
      say(fmt::format("granularity {}, run {}", mode.name(), number), static_cast<std::uint32_t>(runs.size()), total);
      auto run = experiment.run(mode, number);
      if (!run) return std::unexpected(run.error().while_doing("granularity " + mode.name()));
      runs.push_back(*run);
    }
  }
  return runs;
}

Json to_json(const StartupRun& run) {
  Json object;
  if (run.mode.faas) {
    object["granularity"] = "faas";
  } else {
    object["granularity"] = run.mode.granularity;
  }
  object["run"] = run.summary.run;
  object.update(stats::to_json(run.summary));
  object["floor_max"] = run.floor_max;
  object["ratio_to_floor"] = run.ratio_to_floor;
  object["prewarmed_packs"] = run.prewarmed;
  object["controller_cpu"] = static_cast<double>(run.controller_cpu.count()) / 1e6;
  return object;
}

}  // namespace gust::bench
