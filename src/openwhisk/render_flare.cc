#include <fmt/format.h>

#include "openwhisk/json_text.h"
#include "openwhisk/render.h"

namespace gust::openwhisk {

namespace {

using store::FlareRecord;
using store::PackRecord;
using store::WorkerRecord;
using store::WorkerState;

std::string_view name_of(packing::Strategy strategy) {
  switch (strategy) {
    case packing::Strategy::kHeterogeneous: return "heterogeneous";
    case packing::Strategy::kHomogeneous: return "homogeneous";
    case packing::Strategy::kMixed: return "mixed";
  }
  return "unknown";
}

void append_stamps(JsonText& text, const store::FlareStamps& stamps) {
  text.raw(R"(,"stamps":{"received":)").stamp(stamps.received);
  text.raw(R"(,"queued":)").stamp(stamps.queued);
  text.raw(R"(,"reserved":)").stamp(stamps.reserved);
  text.raw(R"(,"starting":)").stamp(stamps.starting);
  text.raw(R"(,"running":)").stamp(stamps.running);
  text.raw(R"(,"finishing":)").stamp(stamps.finishing);
  text.raw(R"(,"ended":)").stamp(stamps.ended).raw("}");
}

void append_lost(JsonText& text, const FlareRecord& flare) {
  text.raw(R"(,"lost":[)");
  bool first = true;
  for (const store::LostAttempt& attempt : flare.lost) {
    text.next(first).raw(R"({"started":)").stamp(attempt.started).raw(R"(,"ended":)").stamp(attempt.ended);
    text.raw(R"(,"cause":)").string(attempt.cause).raw("}");
  }
  text.raw("]");
}

void append_activations(JsonText& text, const FlareRecord& flare) {
  text.raw(R"(,"activations":[)");
  bool first = true;
  for (const store::ActivationRecord& activation : flare.activations) {
    text.next(first).raw(R"({"id":)").string(activation.id.str());
    text.raw(R"(,"first_worker":)").number(activation.workers.first.value());
    text.raw(R"(,"workers":)").number(activation.workers.count).raw("}");
  }
  text.raw("]");
}

void append_traffic(JsonText& text, const store::Traffic& traffic) {
  text.raw(R"(,"traffic":{"local_messages":)").number(traffic.local_messages);
  text.raw(R"(,"local_bytes":)").number(traffic.local_bytes);
  text.raw(R"(,"remote_messages":)").number(traffic.remote_messages);
  text.raw(R"(,"remote_bytes":)").number(traffic.remote_bytes).raw("}");
}

store::Traffic total_traffic(const FlareRecord& flare) {
  store::Traffic total;
  for (const PackRecord& pack : flare.packs) {
    total.local_messages += pack.traffic.local_messages;
    total.local_bytes += pack.traffic.local_bytes;
    total.remote_messages += pack.traffic.remote_messages;
    total.remote_bytes += pack.traffic.remote_bytes;
  }
  return total;
}

void append_pack(JsonText& text, const PackRecord& pack, std::size_t index) {
  text.raw(R"({"pack":)").number(index).raw(R"(,"invoker":)").number(pack.invoker.value());
  text.raw(R"(,"invoker_name":)").string(pack.invoker_name);
  text.raw(R"(,"first_worker":)").number(pack.workers.first.value());
  text.raw(R"(,"workers":)").number(pack.workers.count);
  text.raw(R"(,"state":)").string(to_string(pack.state)).raw(R"(,"pid":)").number(pack.pid);
  text.raw(R"(,"prewarmed":)").raw(pack.prewarmed ? "true" : "false");
  text.raw(R"(,"cause":)");
  pack.state == store::PackState::kEnded ? text.string(to_string(pack.cause)) : text.raw("null");
  text.raw(R"(,"signal":)").number(pack.signal).raw(R"(,"exit_code":)").number(pack.exit_code);
  text.raw(R"(,"worker":)");
  pack.culprit ? text.number(pack.culprit->value()) : text.raw("null");
  text.raw(R"(,"message":)").string(pack.message);
  text.raw(R"(,"received":)").stamp(pack.received).raw(R"(,"launched":)").stamp(pack.launched);
  text.raw(R"(,"entered":)").stamp(pack.entered).raw(R"(,"loaded":)").stamp(pack.loaded);
  text.raw(R"(,"ended":)").stamp(pack.ended);
  text.raw(R"(,"cpu_ms":)").raw(fmt::format("{}.{:03}", pack.cpu.count() / 1000, pack.cpu.count() % 1000));
  text.raw(R"(,"peak_memory_bytes_at_start":)").number(pack.peak_memory_at_start.count());
  text.raw(R"(,"peak_memory_bytes":)").number(pack.peak_memory.count());
  append_traffic(text, pack.traffic);
  text.raw("}");
}

void append_packs(JsonText& text, const FlareRecord& flare) {
  text.raw(R"(,"packs":[)");
  bool first = true;
  for (std::size_t i = 0; i < flare.packs.size(); ++i) append_pack(text.next(first), flare.packs[i], i);
  text.raw("]");
}

void append_result(JsonText& text, const WorkerRecord& worker) {
  text.raw(R"(,"result":)");
  switch (worker.state) {
    case WorkerState::kReturned: text.checked(worker.result); return;
    case WorkerState::kReturnedError: text.raw(R"({"error":)").string(worker.result).raw("}"); return;
    case WorkerState::kWaiting:
    case WorkerState::kRunning:
    case WorkerState::kLost: text.raw("null"); return;
  }
}

void append_workers(JsonText& text, const FlareRecord& flare, bool results) {
  text.raw(R"(,"workers":[)");
  bool first = true;
  std::size_t pack = 0;
  for (std::uint32_t id = 0; id < flare.workers.size(); ++id) {
    const WorkerRecord& worker = flare.workers[id];
    while (pack < flare.packs.size() && id >= flare.packs[pack].workers.end()) ++pack;
    text.next(first).raw(R"({"worker":)").number(id).raw(R"(,"pack":)");
    pack < flare.packs.size() ? text.number(pack) : text.raw("null");
    text.raw(R"(,"state":)").string(to_string(worker.state)).raw(R"(,"started":)").stamp(worker.started);
    text.raw(R"(,"function_started":)").stamp(worker.function_started);
    text.raw(R"(,"function_ended":)").stamp(worker.function_ended);
    text.raw(R"(,"ended":)").stamp(worker.ended);
    text.raw(R"(,"peak_memory_bytes":)").number(worker.peak_memory.count());
    if (results) append_result(text, worker);
    text.raw("}");
  }
  text.raw("]");
}

std::size_t expected_size(const FlareRecord& flare, FlareShown shown) {
  constexpr std::size_t kPerActivation = 96;
  constexpr std::size_t kPerPack = 512;
  constexpr std::size_t kPerWorker = 256;
  std::size_t size = 1024 + flare.activations.size() * kPerActivation;
  if (shown.detail == controller::Detail::kSummary) return size;
  size += flare.packs.size() * kPerPack + flare.workers.size() * kPerWorker;
  if (shown.results) {
    for (const WorkerRecord& worker : flare.workers) size += worker.result.size();
  }
  return size;
}

}  // namespace

std::string render_flare(const controller::FlareSnapshot& snapshot, FlareShown shown) {
  const FlareRecord& flare = *snapshot.flare;
  JsonText text(expected_size(flare, shown));
  text.raw(R"({"id":)").string(flare.id.str()).raw(R"(,"action":)").string(flare.action->path());
  text.raw(R"(,"state":)").string(to_string(flare.state)).raw(R"(,"cause":)");
  if (flare.cause) {
    text.raw(R"({"code":)").string(to_string(flare.cause->code));
    text.raw(R"(,"message":)").string(flare.cause->message).raw("}");
  } else {
    text.raw("null");
  }
  text.raw(R"(,"burst_size":)").number(flare.burst_size).raw(R"(,"granularity":)");
  flare.strategy == packing::Strategy::kHeterogeneous ? text.raw("null") : text.number(flare.granularity);
  text.raw(R"(,"strategy":)").string(name_of(flare.strategy));
  text.raw(R"(,"backend":)").string(flare.backend).raw(R"(,"chunk_bytes":)").number(flare.chunk.count());
  text.raw(R"(,"priority":)").raw(std::to_string(flare.priority)).raw(R"(,"retries":)").number(flare.retries);
  append_lost(text, flare);
  text.raw(R"(,"counts":{"started":)").number(flare.workers_started);
  text.raw(R"(,"finished":)").number(flare.workers_finished);
  text.raw(R"(,"errors":)").number(flare.workers_with_error).raw(R"(},"queue":)");
  if (snapshot.queue_position > 0) {
    text.raw(R"({"position":)").number(snapshot.queue_position);
    text.raw(R"(,"reason":)").string(snapshot.queue_reason).raw(R"(,"starts_within":)");
    if (snapshot.starts_within) {
      text.raw(fmt::format("{:.3f}", std::chrono::duration<double>(*snapshot.starts_within).count()));
    } else {
      text.raw("null");
    }
    text.raw("}");
  } else {
    text.raw("null");
  }
  append_stamps(text, flare.stamps);
  append_traffic(text, total_traffic(flare));
  append_activations(text, flare);
  if (shown.detail == controller::Detail::kFull) {
    append_packs(text, flare);
    append_workers(text, flare, shown.results);
  }
  text.raw("}");
  return text.take();
}

}  // namespace gust::openwhisk
