// Records of flares for tests and benchmarks.
#pragma once

#include <memory>
#include <string>

#include "store/records.h"

namespace gust::openwhisk {

/// The id of a flare's activation `index`: 32 digits that can be written down in an expectation.
inline std::string test_id(std::uint32_t index) {
  std::string digits = std::to_string(index);
  return std::string(32 - digits.size(), 'a') + digits;
}

/// A succeeded flare of action guest/hello, received at 1000 s, whose worker i returned {"worker":i}.
inline std::shared_ptr<store::FlareRecord> test_flare(std::uint32_t workers, std::uint32_t granularity,
                                                      std::uint32_t first_id = 0) {
  using std::chrono::milliseconds;
  const WallTime base{std::chrono::seconds(1000)};
  store::Action action;
  action.namespace_name = "guest";
  action.name = "hello";
  action.kind = "cpp:1";
  auto flare = std::make_shared<store::FlareRecord>();
  flare->id = FlareId(test_id(first_id));
  flare->namespace_name = "guest";
  flare->action = std::make_shared<const store::Action>(std::move(action));
  flare->strategy = packing::Strategy::kHomogeneous;
  flare->granularity = granularity;
  flare->burst_size = workers;
  flare->state = store::FlareState::kSucceeded;
  flare->stamps = {.received = base,
                   .queued = WallTime(),
                   .reserved = base + milliseconds(1),
                   .starting = base + milliseconds(2),
                   .running = base + milliseconds(20),
                   .finishing = base + milliseconds(30),
                   .ended = base + milliseconds(50)};
  for (std::uint32_t first = 0; first < workers; first += granularity) {
    const auto index = static_cast<std::uint32_t>(flare->packs.size());
    store::PackRecord pack;
    pack.invoker = InvokerId(index % 20);
    pack.invoker_name = "invoker-" + std::to_string(index % 20);
    pack.workers = {WorkerId(first), std::min(granularity, workers - first)};
    pack.state = store::PackState::kEnded;
    pack.cause = store::PackCause::kFinished;
    pack.received = base + milliseconds(3);
    pack.launched = base + milliseconds(4);
    pack.entered = base + milliseconds(5);
    pack.loaded = base + milliseconds(10);
    pack.ended = base + milliseconds(42);
    pack.pid = 4242;
    pack.cpu = std::chrono::microseconds(1500);
    pack.peak_memory = Bytes::mb(3);
    pack.traffic = {.local_messages = 1, .local_bytes = 20, .remote_messages = 300, .remote_bytes = 5'000'000'000};
    flare->activations.push_back({ActivationId(test_id(first_id + index)), pack.workers});
    flare->packs.push_back(std::move(pack));
  }
  for (std::uint32_t id = 0; id < workers; ++id) {
    store::WorkerRecord worker;
    worker.state = store::WorkerState::kReturned;
    worker.started = base + milliseconds(11) + std::chrono::microseconds(id);
    worker.function_started = base + milliseconds(12);
    worker.function_ended = base + milliseconds(40);
    worker.ended = base + milliseconds(41);
    worker.peak_memory = Bytes::mb(3);
    worker.result = R"({"worker":)" + std::to_string(id) + "}";
    flare->workers.push_back(std::move(worker));
  }
  flare->workers_started = flare->workers_finished = workers;
  return flare;
}

}  // namespace gust::openwhisk
