#include "protocol/pack_frames.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace gust::protocol {
namespace {

StartMessage example_start() {
  StartMessage start;
  start.flare_id = "0123456789abcdef0123456789abcdef";
  start.activation_id = "fedcba9876543210fedcba9876543210";
  start.namespace_name = "guest";
  start.action_name = "/guest/hello";
  start.kind = "cpp:1";
  start.code_path = "/tmp/code.so";
  start.main = "run";
  start.is_single = true;
  start.is_binary = true;
  start.invoker_id = 3;
  start.pack_id = 1;
  start.burst_size = 6;
  start.deadline_us = 1700000000000000;
  start.pack_first_worker = {0, 2, 5};
  start.workers = {WorkerId(2), 3};
  start.params = "{}[1,2]null";
  start.params_end = {2, 7, 11};
  start.peer_host = "10.0.0.7";
  start.peer_token = "00000000000000000000000000000042";
  start.backend = "redis-list";
  start.backend_uri = "redis://:secret@cache:6379";
  start.chunk_bytes = 4096;
  return start;
}

FinishedMessage example_finished() {
  return {{.worker_id = 2,
           .ok = true,
           .function_started_us = 1,
           .function_ended_us = 2,
           .ended_us = 3,
           .peak_memory_bytes = 4,
           .result = "{\"a\":1}"},
          {.worker_id = 3,
           .ok = false,
           .function_started_us = 5,
           .function_ended_us = 6,
           .ended_us = 7,
           .peak_memory_bytes = 8,
           .result = std::string("zero \0 byte", 11)}};
}

TEST(PackFrames, StartComesBackAsItWas) {
  const StartMessage in = example_start();
  const auto out = decode<StartMessage>(encode(in));
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->flare_id, in.flare_id);
  EXPECT_EQ(out->activation_id, in.activation_id);
  EXPECT_EQ(out->namespace_name, in.namespace_name);
  EXPECT_EQ(out->action_name, in.action_name);
  EXPECT_EQ(out->kind, in.kind);
  EXPECT_EQ(out->code_path, in.code_path);
  EXPECT_EQ(out->main, in.main);
  EXPECT_EQ(out->is_single, in.is_single);
  EXPECT_EQ(out->is_binary, in.is_binary);
  EXPECT_EQ(out->invoker_id, in.invoker_id);
  EXPECT_EQ(out->pack_id, in.pack_id);
  EXPECT_EQ(out->burst_size, in.burst_size);
  EXPECT_EQ(out->deadline_us, in.deadline_us);
  EXPECT_EQ(out->pack_first_worker, in.pack_first_worker);
  EXPECT_EQ(out->workers, in.workers);
  EXPECT_EQ(out->params, in.params);
  EXPECT_EQ(out->params_end, in.params_end);
  EXPECT_EQ(out->peer_host, in.peer_host);
  EXPECT_EQ(out->peer_token, in.peer_token);
  EXPECT_EQ(out->backend, in.backend);
  EXPECT_EQ(out->backend_uri, in.backend_uri);
  EXPECT_EQ(out->chunk_bytes, in.chunk_bytes);
}

TEST(PackFrames, ReportsComeBackAsTheyWere) {
  const auto loaded = decode<LoadedMessage>(encode(LoadedMessage{-1, INT64_MAX, UINT64_MAX}));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->entered_us, -1);
  EXPECT_EQ(loaded->loaded_us, INT64_MAX);
  EXPECT_EQ(loaded->peak_memory_bytes, UINT64_MAX);

  const auto started = decode<StartedMessage>(encode(StartedMessage{{7, 70}, {8, 80}}));
  ASSERT_TRUE(started);
  ASSERT_EQ(started->size(), 2u);
  EXPECT_EQ(started->at(1).worker_id, 8u);
  EXPECT_EQ(started->at(1).started_us, 80);

  const FinishedMessage in = example_finished();
  const auto out = decode<FinishedMessage>(encode(in));
  ASSERT_TRUE(out);
  ASSERT_EQ(out->size(), in.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    EXPECT_EQ(out->at(i).worker_id, in[i].worker_id);
    EXPECT_EQ(out->at(i).ok, in[i].ok);
    EXPECT_EQ(out->at(i).function_started_us, in[i].function_started_us);
    EXPECT_EQ(out->at(i).function_ended_us, in[i].function_ended_us);
    EXPECT_EQ(out->at(i).ended_us, in[i].ended_us);
    EXPECT_EQ(out->at(i).peak_memory_bytes, in[i].peak_memory_bytes);
    EXPECT_EQ(out->at(i).result, in[i].result);
  }
  const auto peers = decode<PeersMessage>(encode(PeersMessage{{1, "tcp:10.0.0.7:4000"}, {2, ""}}));
  ASSERT_TRUE(peers);
  ASSERT_EQ(peers->size(), 2u);
  EXPECT_EQ(peers->at(0).pack_id, 1u);
  EXPECT_EQ(peers->at(0).address, "tcp:10.0.0.7:4000");
  const auto traffic = decode<TrafficMessage>(encode(TrafficMessage{1, 2, 3, UINT64_MAX}));
  ASSERT_TRUE(traffic);
  EXPECT_EQ(traffic->local_messages, 1u);
  EXPECT_EQ(traffic->local_bytes, 2u);
  EXPECT_EQ(traffic->remote_messages, 3u);
  EXPECT_EQ(traffic->remote_bytes, UINT64_MAX);
  EXPECT_EQ(peers->at(1).address, "");
  EXPECT_TRUE(decode<StartedMessage>(encode(StartedMessage{}))->empty());
  EXPECT_TRUE(decode<FinishedMessage>(encode(FinishedMessage{}))->empty());
}

TEST(PackFrames, LastWordsAreTakenAsTheyLieInMemory) {
  const CrashedMessage crashed{.worker_id = 9, .signal = 11, .address = 0xdead, .at_us = 5};
  const std::string_view bytes(reinterpret_cast<const char*>(&crashed), sizeof crashed);
  const auto out = decode<CrashedMessage>(bytes);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->worker_id, 9u);
  EXPECT_EQ(out->signal, 11);
  EXPECT_EQ(out->address, 0xdeadu);
  EXPECT_FALSE(decode<CrashedMessage>(bytes.substr(1)));
  EXPECT_FALSE(decode<CrashedMessage>(std::string(bytes) + "x"));
  EXPECT_FALSE(decode<ExitedMessage>(bytes));
  EXPECT_TRUE(decode<ExitedMessage>(bytes.substr(0, sizeof(ExitedMessage))));
}

template <class Message>
void expect_every_truncation_refused(const std::string& whole) {
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of exactly this size, so that a sanitizer sees a read past its end.
    const std::string cut = whole.substr(0, size);
    const auto out = decode<Message>(cut);
    ASSERT_FALSE(out) << "cut to " << size << " of " << whole.size() << " bytes";
    EXPECT_EQ(out.error().code, ErrorCode::kInvalid);
  }
  EXPECT_FALSE(decode<Message>(whole + '\0'));
}

TEST(PackFrames, EveryTruncationIsRefused) {
  expect_every_truncation_refused<StartMessage>(encode(example_start()));
  expect_every_truncation_refused<LoadedMessage>(encode(LoadedMessage{1, 2, 3}));
  expect_every_truncation_refused<StartedMessage>(encode(StartedMessage{{7, 70}, {8, 80}}));
  expect_every_truncation_refused<FinishedMessage>(encode(example_finished()));
  expect_every_truncation_refused<PeersMessage>(encode(PeersMessage{{1, "tcp:10.0.0.7:4000"}, {2, ""}}));
  expect_every_truncation_refused<TrafficMessage>(encode(TrafficMessage{1, 2, 3, 4}));
}

TEST(PackFrames, HugeCountsReserveNothing) {
  std::string bytes(4, '\xff');
  EXPECT_FALSE(decode<StartedMessage>(bytes));
  EXPECT_FALSE(decode<FinishedMessage>(bytes));
  EXPECT_FALSE(decode<StartMessage>(bytes));
}

TEST(PackFrames, AStartThatContradictsItselfIsRefusedByField) {
  const auto refused = [](auto change) {
    StartMessage start = example_start();
    change(start);
    const auto out = decode<StartMessage>(encode(start));
    return out ? std::string("accepted") : out.error().message;
  };
  const auto expect_field = [&](const char* field, auto change) {
    EXPECT_NE(refused(change).find(field), std::string::npos) << refused(change);
  };
  expect_field("burst_size", [](StartMessage& s) { s.burst_size = 0; });
  expect_field("workers", [](StartMessage& s) { s.workers.count = 0; });
  expect_field("workers", [](StartMessage& s) { s.workers.count = UINT32_MAX; });
  expect_field("workers", [](StartMessage& s) { s.workers.first = WorkerId(6); });
  expect_field("pack_first_worker", [](StartMessage& s) { s.pack_first_worker.clear(); });
  expect_field("pack_first_worker", [](StartMessage& s) { s.pack_first_worker = {0, 5, 2}; });
  expect_field("pack_first_worker", [](StartMessage& s) { s.pack_first_worker = {0, 2, 6}; });
  expect_field("pack_id", [](StartMessage& s) { s.pack_id = 3; });
  expect_field("pack_id", [](StartMessage& s) { s.pack_id = 0; });
  expect_field("params_end", [](StartMessage& s) { s.params_end.pop_back(); });
  expect_field("params_end", [](StartMessage& s) { s.params_end = {7, 2, 11}; });
  expect_field("params_end", [](StartMessage& s) { s.params_end = {2, 7, 12}; });
}

TEST(PackFrames, MutatedPayloadsNeverCrash) {
  std::mt19937 random(20240601);
  const std::string wholes[] = {encode(example_start()), encode(LoadedMessage{1, 2, 3}),
                                encode(StartedMessage{{7, 70}, {8, 80}}), encode(example_finished())};
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = wholes[random() % std::size(wholes)];
    for (std::size_t changes = 1 + random() % 4; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 16));
    accepted += decode<StartMessage>(bytes).has_value();
    accepted += decode<LoadedMessage>(bytes).has_value();
    accepted += decode<StartedMessage>(bytes).has_value();
    accepted += decode<FinishedMessage>(bytes).has_value();
    accepted += decode<PeersMessage>(bytes).has_value();
    accepted += decode<CrashedMessage>(bytes).has_value();
    accepted += decode<ExitedMessage>(bytes).has_value();
  }
  EXPECT_GT(accepted, 0);  // changed stamps and texts are still well-formed
}

}  // namespace
}  // namespace gust::protocol
