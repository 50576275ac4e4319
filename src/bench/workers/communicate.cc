// What `gust bench pair`, `throughput` and `collective` run. Every iteration brings contents of its own, which the
// receivers know without having got them and compare byte by byte, outside the time that is measured.
//
// Params: {"operation": "all-to-all", "bytes": 1048576, "warm_up": 2, "iterations": 10, "origin": 0}. The result holds
// when each measured iteration began and ended for this worker: nanoseconds on the wall clock, counted from `origin`.
#include <chrono>
#include <gust/worker.h>

#include "bench/workers/pattern.h"

namespace {

using gust::Burst;
using gust::Json;
using gust::bench::MessageName;
using gust::bench::Pattern;

constexpr std::uint32_t kRoot = 0;
constexpr std::uint32_t kEverybody = UINT32_MAX;  // as the receiver of a message that is the same for all

std::int64_t wall_clock() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::vector<std::byte> contents(const MessageName& name, std::size_t bytes) {
  std::vector<std::byte> data(bytes);
  Pattern(name).fill(data.data(), bytes);
  return data;
}

std::string describe(const MessageName& name) {
  return "of iteration " + std::to_string(name.iteration) + " from worker " + std::to_string(name.from);
}

void check(const gust::Array<std::byte>& got, const MessageName& name, std::size_t bytes) {
  if (got.size() != bytes) {
    throw std::runtime_error("wrong data: " + std::to_string(got.size()) + " bytes " + describe(name) + ", not " +
                             std::to_string(bytes));
  }
  if (const auto wrong = Pattern(name).first_wrong(got.data(), bytes)) {
    throw std::runtime_error("wrong data: byte " + std::to_string(*wrong) + " " + describe(name) + " is wrong");
  }
}

// From the moment at which all are ready. Who is done waits for the others before comparing, which would take the
// processors from those that are not.
struct Span {
  explicit Span(Burst& all) : burst(all) {
    burst.barrier();
    begin = wall_clock();
  }
  void stop() {
    end = wall_clock();
    burst.barrier();
  }
  Burst& burst;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

struct Iteration {
  Burst& burst;
  std::size_t bytes;
  std::uint32_t number;
  std::vector<std::byte>& scratch;

  [[nodiscard]] std::uint32_t self() const { return burst.worker_id(); }
  [[nodiscard]] MessageName name(std::uint32_t from, std::uint32_t to) const { return {number, from, to}; }
};

// A message that outlives its sending, so that its memory is given back outside the time that is measured: handed to
// ourselves first.
gust::Array<std::byte> message(const Iteration& now, const MessageName& name) {
  now.scratch.resize(now.bytes);
  Pattern(name).fill(now.scratch.data(), now.bytes);
  now.burst.send(now.self(), now.scratch);
  return now.burst.recv(now.self());
}

// Each worker of the first half sends to one of the second.
Span pair(const Iteration& now) {
  const std::uint32_t half = now.burst.burst_size() / 2;
  if (now.self() < half) {
    const gust::Array<std::byte> mine = message(now, now.name(now.self(), now.self() + half));
    Span span(now.burst);
    now.burst.send(now.self() + half, mine);
    span.stop();
    return span;
  }
  Span span(now.burst);
  const auto got = now.burst.recv(now.self() - half);
  span.stop();
  check(got, now.name(now.self() - half, now.self()), now.bytes);
  return span;
}

Span broadcast(const Iteration& now) {
  const MessageName name = now.name(kRoot, kEverybody);
  const std::vector<std::byte> mine = now.self() == kRoot ? contents(name, now.bytes) : std::vector<std::byte>();
  Span span(now.burst);
  const auto got = now.burst.broadcast<std::byte>(kRoot, mine);
  span.stop();
  check(got, name, now.bytes);
  return span;
}

// Whole numbers small enough that their sums are exact.
std::vector<double> summands(const Iteration& now, std::uint64_t factor) {
  std::vector<double> values(now.bytes / sizeof(double));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<double>(factor * ((i + now.number) % 1024 + 1));
  }
  return values;
}

void check_sum(const Iteration& now, const gust::Array<double>& got) {
  const std::uint64_t workers = now.burst.burst_size();
  const std::vector<double> expected = summands(now, workers * (workers + 1) / 2);
  if (got.size() != expected.size() || !std::equal(got.begin(), got.end(), expected.begin())) {
    throw std::runtime_error("wrong data: a sum of iteration " + std::to_string(now.number) + " is wrong");
  }
}

Span reduce(const Iteration& now) {
  const std::vector<double> mine = summands(now, now.self() + 1);
  Span span(now.burst);
  const auto got = now.burst.reduce<double>(kRoot, mine, gust::Sum());
  span.stop();
  if (now.self() == kRoot) check_sum(now, got);
  return span;
}

Span all_reduce(const Iteration& now) {
  const std::vector<double> mine = summands(now, now.self() + 1);
  Span span(now.burst);
  const auto got = now.burst.all_reduce<double>(mine, gust::Sum());
  span.stop();
  check_sum(now, got);
  return span;
}

Span gather(const Iteration& now) {
  const std::vector<std::byte> mine = contents(now.name(now.self(), kRoot), now.bytes);
  Span span(now.burst);
  const auto got = now.burst.gather<std::byte>(kRoot, mine);
  span.stop();
  for (std::uint32_t from = 0; from < got.size(); ++from) check(got[from], now.name(from, kRoot), now.bytes);
  return span;
}

std::vector<std::vector<std::byte>> parts(const Iteration& now) {
  std::vector<std::vector<std::byte>> all;
  all.reserve(now.burst.burst_size());
  for (std::uint32_t to = 0; to < now.burst.burst_size(); ++to) {
    all.push_back(contents(now.name(now.self(), to), now.bytes));
  }
  return all;
}

Span scatter(const Iteration& now) {
  std::vector<std::vector<std::byte>> mine = now.self() == kRoot ? parts(now) : std::vector<std::vector<std::byte>>();
  Span span(now.burst);
  const auto got = now.burst.scatter<std::byte>(kRoot, std::move(mine));
  span.stop();
  check(got, now.name(kRoot, now.self()), now.bytes);
  return span;
}

Span all_to_all(const Iteration& now) {
  std::vector<std::vector<std::byte>> mine = parts(now);
  Span span(now.burst);
  const auto got = now.burst.all_to_all<std::byte>(std::move(mine));
  span.stop();
  for (std::uint32_t from = 0; from < got.size(); ++from) check(got[from], now.name(from, now.self()), now.bytes);
  return span;
}

Span barrier(const Iteration& now) {
  Span span(now.burst);
  now.burst.barrier();
  span.stop();
  return span;
}

using Operation = Span (*)(const Iteration&);

Operation find(const std::string& name) {
  if (name == "pair" || name == "throughput") return pair;
  if (name == "broadcast") return broadcast;
  if (name == "reduce") return reduce;
  if (name == "all-reduce") return all_reduce;
  if (name == "gather") return gather;
  if (name == "scatter") return scatter;
  if (name == "all-to-all") return all_to_all;
  if (name == "barrier") return barrier;
  throw std::runtime_error("no operation '" + name + "'");
}

Json work(const Json& params, Burst& burst) {
  const Operation operation = find(params.at("operation"));
  const std::uint32_t warm_up = params.at("warm_up");
  const std::uint32_t iterations = params.at("iterations");
  const std::int64_t origin = params.at("origin");
  std::vector<std::byte> scratch;
  std::vector<std::int64_t> begin;
  std::vector<std::int64_t> end;
  for (std::uint32_t i = 0; i < warm_up + iterations; ++i) {
    const Span span = operation({burst, params.at("bytes"), i, scratch});
    if (i < warm_up) continue;
    begin.push_back(span.begin - origin);
    end.push_back(span.end - origin);
  }
  burst.barrier();  // an end would wake those that still wait
  return {{"worker_id", burst.worker_id()}, {"begin", begin}, {"end", end}};
}

}  // namespace

GUST_WORKER(work)
