// What the API itself costs for a flare of 960 workers, and for one invocation. The yardstick of rendering is a copy of
// the rendered text; that of cutting parameters is a parse of the same body into values.
#include <benchmark/benchmark.h>

#include "base/check.h"
#include "base/json.h"
#include "openwhisk/json_text.h"
#include "openwhisk/params.h"
#include "openwhisk/render.h"
#include "openwhisk/testing/flares.h"

namespace gust::openwhisk {
namespace {

constexpr std::uint32_t kWorkers = 960;

void BM_RenderFlare(benchmark::State& state) {
  const controller::FlareSnapshot snapshot{test_flare(kWorkers, static_cast<std::uint32_t>(state.range(0))), 0, ""};
  const FlareShown shown{.detail = controller::Detail::kFull, .results = true};
  const auto parsed = parse_json(render_flare(snapshot, shown), "the flare");
  GUST_CHECK(parsed && parsed->at("workers").size() == kWorkers, "the flare reads back whole");
  for (auto _ : state) benchmark::DoNotOptimize(render_flare(snapshot, shown));
}
BENCHMARK(BM_RenderFlare)->Arg(1)->Arg(48)->Unit(benchmark::kMicrosecond);

void BM_CopyRenderedFlare(benchmark::State& state) {
  const std::string text = render_flare({test_flare(kWorkers, 48), 0, ""}, {.results = true});
  for (auto _ : state) {
    std::string copy = text;
    benchmark::DoNotOptimize(copy.data());
  }
}
BENCHMARK(BM_CopyRenderedFlare)->Unit(benchmark::kMicrosecond);

void BM_RenderActivation(benchmark::State& state) {
  const store::ActivationView view{test_flare(1, 1), 0};
  for (auto _ : state) benchmark::DoNotOptimize(render_activation(view));
}
BENCHMARK(BM_RenderActivation)->Unit(benchmark::kMicrosecond);

std::string body_of_burst() {
  JsonText body;
  body.raw(R"({"value":[)");
  bool first = true;
  for (std::uint32_t i = 0; i < kWorkers; ++i) {
    body.next(first).raw(R"({"sleep":5.0,"index":)").number(i).raw(R"(,"key":"input/part"})");
  }
  return body.raw("]}").take();
}

void BM_CutBurstParams(benchmark::State& state) {
  const std::string body = body_of_burst();
  const Json none = Json::array();
  for (auto _ : state) {
    auto params = burst_params(body, none);
    GUST_CHECK(params && params->size() == kWorkers, "one a worker");
    benchmark::DoNotOptimize(params->data());
  }
}
BENCHMARK(BM_CutBurstParams)->Unit(benchmark::kMicrosecond);

void BM_ParseBurstParams(benchmark::State& state) {
  const std::string body = body_of_burst();
  for (auto _ : state) {
    auto params = parse_json(body, "the body");
    GUST_CHECK(params && params->at("value").size() == kWorkers, "one a worker");
    benchmark::DoNotOptimize(&*params);
  }
}
BENCHMARK(BM_ParseBurstParams)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace gust::openwhisk
