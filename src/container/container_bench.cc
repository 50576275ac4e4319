// The time to create containers of one process each, against bare posix_spawn(3) of the same program in the same run.
#include <fcntl.h>
#include <spawn.h>

#include <algorithm>
#include <benchmark/benchmark.h>
#include <chrono>
#include <sys/resource.h>
#include <sys/wait.h>

#include "container/testing/driver_harness.h"

namespace gust::container::testing {
namespace {

constexpr ContainerId kContainers = 960;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Seconds until the last is created, and from the moment when all are told to end until the last is collected.
struct Times {
  double create = 0;
  double end = 0;
};

/// All processes hold one end, and end when the other is closed.
struct Leash {
  Leash() {
    int ends[2];
    GUST_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "a pair of sockets");
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }
  UniqueFd ours;
  UniqueFd theirs;
};

Times spawn_bare() {
  constexpr int kPackSocket = 3;
  Leash leash;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, leash.theirs.get(), kPackSocket);
  char name[] = GUST_TEST_PACK;
  char variable[] = "DO=echo";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {variable, nullptr};
  Times times;
  const Clock::time_point begin = Clock::now();
  for (ContainerId id = 0; id < kContainers; ++id) {
    pid_t pid = 0;
    GUST_CHECK(posix_spawn(&pid, name, &actions, nullptr, arguments, environment) == 0, "the test's pack starts");
  }
  times.create = seconds_since(begin);
  posix_spawn_file_actions_destroy(&actions);
  const Clock::time_point end = Clock::now();
  leash.theirs.reset();
  leash.ours.reset();
  for (ContainerId id = 0; id < kContainers; ++id) wait(nullptr);
  times.end = seconds_since(end);
  return times;
}

Times start_containers(Harness& harness, ContainerId first_id) {
  Leash leash;
  const auto copy = [&] { return UniqueFd(fcntl(leash.theirs.get(), F_DUPFD_CLOEXEC, 0)); };
  std::vector<Spec> specs;
  for (ContainerId id = first_id; id < first_id + kContainers; ++id) {
    specs.push_back({.id = id,
                     .limits = {.memory = Bytes::mb(256)},
                     .image = {},
                     .environment = {"DO=echo"},
                     .socket = copy(),
                     .standard_output = copy(),
                     .standard_error = copy()});
  }
  const std::size_t launched = harness.launched().size() + kContainers;
  const std::size_t exited = harness.exited().size() + kContainers;
  Times times;
  const WallTime begin = wall_now();
  const bool started = harness.driver().start(std::move(specs)).has_value() && harness.wait_launched(launched);
  GUST_CHECK(started, "all containers start");
  const WallTime last = harness.launched().at(first_id + kContainers - 1).at;
  times.create = std::chrono::duration<double>(last - begin).count();
  const Clock::time_point end = Clock::now();
  leash.theirs.reset();
  leash.ours.reset();
  GUST_CHECK(harness.wait_exited(exited), "all containers end");
  times.end = seconds_since(end);
  return times;
}

double median(const std::vector<Times>& times, double Times::* which) {
  std::vector<double> values;
  for (const Times& one : times) values.push_back(one.*which);
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

/// One of each in turn, so that both meet the same machine.
void containers_against_posix_spawn(benchmark::State& state, const char* driver) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Harness harness(driver);
  ContainerId next = 0;
  const auto start = [&] {
    const Times times = start_containers(harness, next);
    next += kContainers;
    return times;
  };
  spawn_bare();
  start();
  std::vector<Times> bare;
  std::vector<Times> contained;
  for ([[maybe_unused]] auto turn : state) {
    bare.push_back(spawn_bare());
    contained.push_back(start());
    state.SetIterationTime(contained.back().create);
  }
  const auto report = [&](const std::string& what, double Times::* which) {
    state.counters[what + "_bare_us_each"] = median(bare, which) / kContainers * 1e6;
    state.counters[what + "_us_each"] = median(contained, which) / kContainers * 1e6;
    state.counters[what + "_ratio"] = median(contained, which) / median(bare, which);
  };
  report("create", &Times::create);
  report("end", &Times::end);
  state.counters["create_us_each_max"] = std::ranges::max(contained, {}, &Times::create).create / kContainers * 1e6;
}

BENCHMARK_CAPTURE(containers_against_posix_spawn, process, "process")
    ->UseManualTime()
    ->Iterations(9)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(containers_against_posix_spawn, sandbox, "sandbox")
    ->UseManualTime()
    ->Iterations(9)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gust::container::testing
