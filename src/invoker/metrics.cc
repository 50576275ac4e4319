#include "invoker/metrics.h"

#include <algorithm>
#include <cctype>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <string_view>

#include "base/clock.h"

namespace gust::invoker {

namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Histogram;

const Histogram::BucketBoundaries kLaunchBuckets = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                    0.05,   0.1,   0.25,   0.5,   1,    5};

/// "PACK_CAUSE_WORKER_CRASHED" as "worker_crashed".
std::string label(protocol::PackCause cause) {
  constexpr std::size_t kPrefix = std::string_view("PACK_CAUSE_").size();
  std::string text = protocol::PackCause_Name(cause).substr(kPrefix);
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;
  Counter& sessions = BuildCounter()
                          .Name("gust_sessions_total")
                          .Help("Sessions with a controller that have begun")
                          .Register(registry)
                          .Add({});
  prometheus::Family<Counter>& ended =
      BuildCounter().Name("gust_packs_ended_total").Help("Packs that have ended, by their causes").Register(registry);
  Histogram& launch = BuildHistogram()
                          .Name("gust_pack_launch_seconds")
                          .Help("From the order to start a pack until its process existed")
                          .Register(registry)
                          .Add({}, kLaunchBuckets);
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::session_begun() { families_->sessions.Increment(); }

void Metrics::pack_launched(std::chrono::microseconds after) {
  families_->launch.Observe(std::max(0.0, std::chrono::duration<double>(after).count()));
}

void Metrics::pack_ended(protocol::PackCause cause) { families_->ended.Add({{"cause", label(cause)}}).Increment(); }

std::string Metrics::text(const Standing& now) const {
  prometheus::Registry gauges;
  const auto gauge = [&gauges](const char* name, const char* help, double value) {
    BuildGauge().Name(name).Help(help).Register(gauges).Add({}).Set(value);
  };
  gauge("gust_invoker_connected", "1 during a session with a controller", now.in_session ? 1 : 0);
  gauge("gust_slots", "Workers that run at once", now.slots);
  gauge("gust_memory_bytes", "Memory of the packs together", static_cast<double>(now.memory.count()));
  gauge("gust_packs", "Packs that run", static_cast<double>(now.packs));
  gauge("gust_prewarmed", "Empty containers that wait ready", now.prewarmed);
  gauge("gust_code_bytes", "Packages that are kept", static_cast<double>(now.code.count()));
  gauge("gust_invoker_cpu_seconds", "Processor time of the invoker, without its packs",
        std::chrono::duration<double>(process_cpu()).count());
  auto all = families_->registry.Collect();
  for (auto& family : gauges.Collect()) all.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace gust::invoker
