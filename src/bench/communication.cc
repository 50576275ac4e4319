#include "bench/communication.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <map>

#include "base/clock.h"
#include "bench/calls.h"
#include "stats/report.h"
#include "stats/transfer_file.h"

namespace gust::bench {

namespace {

constexpr const char* kAction = "gust-bench-communicate";
constexpr std::chrono::minutes kTimeLimit(30);  // of one flare
// What a chunk is where a flare does not say (message::HubOptions).
constexpr Bytes kUsualChunk = Bytes::mb(1);

std::int64_t nanoseconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

// A worker that threw what it has to say about the data has returned an error; its flare has not failed.
Result<void> verify_workers(const Json& flare, const Shape& shape) {
  const Json& workers = flare.at("workers");
  if (workers.size() != shape.workers || flare.at("packs").size() != shape.packs()) {
    return fail(ErrorCode::kInternal, fmt::format("{} workers ran in {} packs, not {} in {}", workers.size(),
                                                  flare.at("packs").size(), shape.workers, shape.packs()));
  }
  std::optional<Error> failed;
  for (const Json& worker : workers) {
    if (worker.at("state") == "returned") continue;
    const Json& result = worker.at("result");
    const std::string said = result.is_object() ? result.value("error", dump_json(result)) : dump_json(result);
    // Others fail because this one has; what was wrong says the one that saw it.
    const bool saw_it = said.starts_with("wrong data");
    if (failed && !saw_it) continue;
    failed = Error{ErrorCode::kInternal, fmt::format("worker {}: {}", worker.at("worker").get<std::uint64_t>(), said)};
    if (saw_it) break;
  }
  if (failed) return std::unexpected(*failed);
  return {};
}

// A controller that does not know the parameter would measure something else.
Result<void> verify_setting(const Json& flare, const char* name, const Json& asked) {
  const auto found = flare.find(name);
  if (found != flare.end() && *found == asked) return {};
  return fail(ErrorCode::kInternal,
              fmt::format("the controller was asked for {}={}, and used {}; is it of this version?", name,
                          dump_json(asked), found == flare.end() ? "its own choice" : dump_json(*found)));
}

// Seconds of each iteration, from its first beginning to its last end.
Result<std::vector<double>> durations(const Json& flare, std::uint32_t iterations) {
  std::vector<std::int64_t> begin(iterations, std::numeric_limits<std::int64_t>::max());
  std::vector<std::int64_t> end(iterations, std::numeric_limits<std::int64_t>::min());
  for (const Json& worker : flare.at("workers")) {
    const Json& result = worker.at("result");
    if (!result.is_object() || result.value("begin", Json()).size() != iterations ||
        result.value("end", Json()).size() != iterations) {
      return fail(ErrorCode::kInternal, fmt::format("worker {} did not return {} measurements",
                                                    worker.at("worker").get<std::uint64_t>(), iterations));
    }
    for (std::uint32_t i = 0; i < iterations; ++i) {
      begin[i] = std::min(begin[i], result.at("begin")[i].get<std::int64_t>());
      end[i] = std::max(end[i], result.at("end")[i].get<std::int64_t>());
    }
  }
  std::vector<double> seconds;
  for (std::uint32_t i = 0; i < iterations; ++i) seconds.push_back(static_cast<double>(end[i] - begin[i]) / 1e9);
  return seconds;
}

class Experiment {
 public:
  Experiment(const Target& target, Observer& observer, const CommunicationOptions& options)
      : target_(target), observer_(observer), options_(options) {}

  Result<CommunicationRun> run(const Shape& shape, std::uint32_t number) {
    if (memory_of(shape) != deployed_) {
      deployed_ = memory_of(shape);
      GUST_TRY(deploy(observer_, kAction, options_.worker_object, deployed_, kTimeLimit));
    }
    Job job;
    job.action = kAction;
    job.workers = shape.workers;
    job.params = dump_json({{"operation", shape.operation},
                            {"bytes", shape.payload.count()},
                            {"warm_up", options_.warm_up},
                            {"iterations", options_.iterations},
                            {"origin", nanoseconds(wall_now())}});
    job.query["backend"] = options_.backend;
    if (shape.chunk) job.query["chunk_size"] = std::to_string(shape.chunk->count() / kKib);
    const Outcome outcome = GUST_TRY(run_burst(target_, observer_, job, shape.granularity));
    const Json& flare = outcome.flares.at(0);
    GUST_TRY_VOID(verify_workers(flare, shape));
    if (options_.backend != "tcp" || flare.contains("backend")) {
      GUST_TRY_VOID(verify_setting(flare, "backend", options_.backend));
    }
    if (shape.chunk) GUST_TRY_VOID(verify_setting(flare, "chunk_bytes", shape.chunk->count()));
    const Bytes chunk(flare.value("chunk_bytes", kUsualChunk.count()));
    return summarize(shape, number, chunk, GUST_TRY(durations(flare, options_.iterations)));
  }

  // All that was measured so far, one file an operation.
  Result<void> write(std::span<const CommunicationRun> runs) const {
    std::map<std::string, std::vector<stats::Transfer>> files;
    for (const CommunicationRun& run : runs) {
      auto& file = files[run.shape.operation];
      file.insert(file.end(), run.transfers.begin(), run.transfers.end());
    }
    std::error_code error;
    std::filesystem::create_directories(options_.out, error);
    if (error) {
      return fail(ErrorCode::kInvalid, fmt::format("cannot make {}: {}", options_.out.string(), error.message()));
    }
    for (const auto& [operation, transfers] : files) {
      const std::string name = fmt::format("{}-{}.csv", operation, options_.backend);
      GUST_TRY_VOID(stats::write_transfers(options_.out / name, transfers));
    }
    return {};
  }

 private:
  [[nodiscard]] CommunicationRun summarize(const Shape& shape, std::uint32_t number, Bytes chunk,
                                           const std::vector<double>& seconds) const {
    CommunicationRun run;
    run.shape = shape;
    run.seconds = stats::summarize(seconds);
    stats::Transfer transfer{.operation = shape.operation,
                             .backend = options_.backend,
                             .workers = shape.workers,
                             .granularity = shape.granularity,
                             .payload_bytes = shape.payload,
                             .chunk_bytes = chunk,
                             .run = number,
                             .iteration = 0,
                             .total_bytes = shape.total(),
                             .seconds = run.seconds.p50};
    run.mib_per_second = transfer.mib_per_second();
    for (; transfer.iteration < seconds.size(); ++transfer.iteration) {
      transfer.seconds = seconds[transfer.iteration];
      run.transfers.push_back(transfer);
    }
    return run;
  }

  const Target& target_;
  Observer& observer_;
  const CommunicationOptions& options_;
  Bytes deployed_;  // the memory limit of what the controller has
};

}  // namespace

Bytes memory_of(const Shape& shape) {
  constexpr Bytes kBeside = Bytes::mb(256);
  const Bytes needed = shape.footprint() + kBeside;
  return Bytes::mb((needed.count() + (1 << 20) - 1) >> 20);
}

Result<std::vector<CommunicationRun>> run_communication(const Target& target, const CommunicationOptions& options,
                                                        std::span<const Shape> shapes, const Say& say) {
  Observer observer = GUST_TRY(Observer::create(target));
  Experiment experiment(target, observer, options);
  std::vector<CommunicationRun> runs;
  const auto total = static_cast<std::uint32_t>(shapes.size()) * options.repeat;
  for (std::uint32_t number = 1; number <= options.repeat; ++number) {
    for (const Shape& shape : shapes) {
      say(shape.name(), static_cast<std::uint32_t>(runs.size()), total);
      auto run = experiment.run(shape, number);
      if (!run) return std::unexpected(run.error().while_doing(shape.name()));
      runs.push_back(std::move(*run));
      if (!options.out.empty()) GUST_TRY_VOID(experiment.write(runs));
    }
  }
  return runs;
}

Json to_json(const CommunicationRun& run) {
  const stats::Transfer& first = run.transfers.at(0);
  return {{"operation", first.operation},
          {"backend", first.backend},
          {"workers", first.workers},
          {"granularity", first.granularity},
          {"packs", run.shape.packs()},
          {"payload_bytes", first.payload_bytes.count()},
          {"chunk_bytes", first.chunk_bytes.count()},
          {"run", first.run},
          {"iterations", run.transfers.size()},
          {"min", run.seconds.min},
          {"p50", run.seconds.p50},
          {"p90", run.seconds.p90},
          {"p99", run.seconds.p99},
          {"max", run.seconds.max},
          {"range", run.seconds.range},
          {"median_abs_dev", run.seconds.median_abs_dev},
          {"iqr", run.seconds.iqr},
          {"total_bytes", first.total_bytes.count()},
          {"mib_per_second", run.mib_per_second}};
}

}  // namespace gust::bench
