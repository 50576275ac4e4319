#include "controller/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <string_view>

#include "base/result.h"

namespace gust::controller {

namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Histogram;
using store::WorkerState;

// Seconds: a warm start takes milliseconds, a place in a queue may take an hour.
const Histogram::BucketBoundaries kStartBuckets = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
const Histogram::BucketBoundaries kQueueBuckets = {0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600};

double seconds_between(WallTime from, WallTime to) {
  return std::max(0.0, std::chrono::duration<double>(to - from).count());
}

std::string label(std::string_view text) { return std::string(text); }

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& flares =
      BuildCounter().Name("gust_flares_ended_total").Help("Flares that have ended").Register(registry);
  prometheus::Family<prometheus::Counter>& failures = BuildCounter()
                                                          .Name("gust_flare_failures_total")
                                                          .Help("Flares that have failed, by their causes")
                                                          .Register(registry);
  prometheus::Family<prometheus::Counter>& workers =
      BuildCounter().Name("gust_workers_ended_total").Help("Workers of ended flares").Register(registry);
  prometheus::Family<prometheus::Counter>& messages =
      BuildCounter().Name("gust_messages_total").Help("Messages between workers of ended flares").Register(registry);
  prometheus::Family<prometheus::Counter>& bytes =
      BuildCounter().Name("gust_message_bytes_total").Help("Their payload, in bytes").Register(registry);
  prometheus::Counter& retries = BuildCounter()
                                     .Name("gust_flare_retries_total")
                                     .Help("Attempts that were lost, and made again")
                                     .Register(registry)
                                     .Add({});
  prometheus::Counter& lost =
      BuildCounter().Name("gust_invokers_lost_total").Help("Invokers that were lost").Register(registry).Add({});
  Histogram& start = BuildHistogram()
                         .Name("gust_flare_start_seconds")
                         .Help("From a flare's reservation until all of its workers had started")
                         .Register(registry)
                         .Add({}, kStartBuckets);
  Histogram& queue = BuildHistogram()
                         .Name("gust_flare_queue_seconds")
                         .Help("How long flares have waited for slots")
                         .Register(registry)
                         .Add({}, kQueueBuckets);
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::flare_ended(const store::FlareRecord& flare) {
  families_->flares.Add({{"state", label(store::to_string(flare.state))}}).Increment();
  if (flare.state == store::FlareState::kFailed && flare.cause) {
    families_->failures.Add({{"code", label(to_string(flare.cause->code))}}).Increment();
  }
  const store::FlareStamps& at = flare.stamps;
  if (at.reserved != WallTime()) {
    families_->queue.Observe(at.queued == WallTime() ? 0 : seconds_between(at.queued, at.reserved));
  }
  if (at.running != WallTime()) families_->start.Observe(seconds_between(at.reserved, at.running));
  const auto count = [this](const char* outcome, std::uint32_t number) {
    if (number > 0) families_->workers.Add({{"outcome", outcome}}).Increment(number);
  };
  count("returned", flare.workers_finished - flare.workers_with_error);
  count("error", flare.workers_with_error);
  count("lost", flare.workers_started - flare.workers_finished);
  store::Traffic sent;
  for (const store::PackRecord& pack : flare.packs) {
    sent.local_messages += pack.traffic.local_messages;
    sent.local_bytes += pack.traffic.local_bytes;
    sent.remote_messages += pack.traffic.remote_messages;
    sent.remote_bytes += pack.traffic.remote_bytes;
  }
  if (sent.local_messages + sent.remote_messages == 0) return;
  families_->messages.Add({{"between", "workers"}}).Increment(static_cast<double>(sent.local_messages));
  families_->messages.Add({{"between", "packs"}}).Increment(static_cast<double>(sent.remote_messages));
  families_->bytes.Add({{"between", "workers"}}).Increment(static_cast<double>(sent.local_bytes));
  families_->bytes.Add({{"between", "packs"}}).Increment(static_cast<double>(sent.remote_bytes));
}

void Metrics::attempt_lost() { families_->retries.Increment(); }
void Metrics::invoker_lost() { families_->lost.Increment(); }

std::string Metrics::text(const Status& now) const {
  prometheus::Registry gauges;
  const auto gauge = [&gauges](const char* name, const char* help) -> prometheus::Family<prometheus::Gauge>& {
    return BuildGauge().Name(name).Help(help).Register(gauges);
  };
  auto& flares = gauge("gust_flares", "Flares that have not ended");
  flares.Add({{"state", "queued"}}).Set(now.queued_flares);
  flares.Add({{"state", "active"}}).Set(now.active_flares);
  gauge("gust_invokers", "Invokers that are connected").Add({}).Set(static_cast<double>(now.invokers.size()));
  gauge("gust_controller_cpu_seconds", "Processor time of the controller")
      .Add({})
      .Set(std::chrono::duration<double>(now.cpu).count());
  auto& slots = gauge("gust_invoker_slots", "Workers that an invoker runs at once");
  auto& free_slots = gauge("gust_invoker_free_slots", "Of these, those that are not taken");
  auto& memory = gauge("gust_invoker_memory_bytes", "Memory of an invoker's packs together");
  auto& free_memory = gauge("gust_invoker_free_memory_bytes", "Of that, what is not taken");
  auto& packs = gauge("gust_invoker_packs", "Packs that run on an invoker");
  auto& prewarmed = gauge("gust_invoker_prewarmed", "Empty containers that wait ready on an invoker");
  auto& drained = gauge("gust_invoker_drained", "1 for an invoker that takes nothing new");
  for (const InvokerStatus& invoker : now.invokers) {
    const prometheus::Labels name = {{"invoker", invoker.name}};
    slots.Add(name).Set(invoker.slots);
    free_slots.Add(name).Set(invoker.free_slots);
    memory.Add(name).Set(static_cast<double>(invoker.memory.count()));
    free_memory.Add(name).Set(static_cast<double>(invoker.free_memory.count()));
    packs.Add(name).Set(invoker.packs);
    prewarmed.Add(name).Set(invoker.prewarmed);
    drained.Add(name).Set(invoker.drained ? 1 : 0);
  }
  auto all = families_->registry.Collect();
  for (auto& family : gauges.Collect()) all.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace gust::controller
