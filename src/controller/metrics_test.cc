#include "controller/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gust::controller {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MetricsTest, CountsWhatHasEndedAndShowsWhatIs) {
  Metrics metrics;
  store::FlareRecord flare;
  flare.state = store::FlareState::kSucceeded;
  flare.stamps.queued = from_micros(1'000'000);
  flare.stamps.reserved = from_micros(3'000'000);
  flare.stamps.running = from_micros(3'020'000);
  flare.workers_started = 4;
  flare.workers_finished = 4;
  flare.workers_with_error = 1;
  flare.packs.resize(2);
  flare.packs[0].traffic = {.local_messages = 3, .local_bytes = 30, .remote_messages = 2, .remote_bytes = 20};
  metrics.flare_ended(flare);
  flare.state = store::FlareState::kFailed;
  flare.cause = Error{ErrorCode::kCrashed, "worker 1 crashed"};
  flare.workers_finished = 2;
  flare.packs.clear();
  metrics.flare_ended(flare);
  metrics.invoker_lost();

  Status now;
  now.queued_flares = 2;
  InvokerStatus& invoker = now.invokers.emplace_back();
  invoker.name = "node-1";
  invoker.slots = 48;
  invoker.free_slots = 3;
  const std::string text = metrics.text(now);
  for (const char* line : {
           "gust_flares_ended_total{state=\"succeeded\"} 1\n",
           "gust_flares_ended_total{state=\"failed\"} 1\n",
           "gust_flare_failures_total{code=\"crashed\"} 1\n",
           "gust_workers_ended_total{outcome=\"returned\"} 4\n",
           "gust_workers_ended_total{outcome=\"error\"} 2\n",
           "gust_workers_ended_total{outcome=\"lost\"} 2\n",
           "gust_message_bytes_total{between=\"packs\"} 20\n",
           "gust_invokers_lost_total 1\n",
           "gust_flare_start_seconds_bucket{le=\"0.025\"} 2\n",
           "gust_flare_start_seconds_bucket{le=\"0.01\"} 0\n",
           "gust_flare_queue_seconds_sum 4\n",
           "gust_flares{state=\"queued\"} 2\n",
           "gust_invoker_free_slots{invoker=\"node-1\"} 3\n",
           "# TYPE gust_flare_start_seconds histogram\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(metrics.text({}), Not(HasSubstr("node-1"))) << "one that has left is gone";
}

}  // namespace
}  // namespace gust::controller
