#include "protocol/pack_frames.h"

#include <algorithm>
#include <cstring>

#include "protocol/wire.h"

namespace gust::protocol {

namespace {

/// Of one WorkerFinish with an empty result.
constexpr std::size_t kFinishBytes = 4 + 1 + 3 * 8 + 8 + 4;
constexpr std::size_t kStartBytes = 4 + 8;
constexpr std::size_t kPeerBytes = 4 + 4;

// What the pack relies on without looking again: every worker has its parameters, and the table of packs is one of
// contiguous ranges among which this pack's is the one that it says.
const char* inconsistent_field(const StartMessage& start) {
  const auto& table = start.pack_first_worker;
  if (start.burst_size == 0) return "burst_size";
  if (start.workers.count == 0 || start.workers.first.value() >= start.burst_size ||
      start.workers.count > start.burst_size - start.workers.first.value()) {
    return "workers";
  }
  if (table.empty() || table.front() != 0 || table.back() >= start.burst_size ||
      std::ranges::adjacent_find(table, std::ranges::greater_equal()) != table.end()) {
    return "pack_first_worker";
  }
  if (start.pack_id >= table.size()) return "pack_id";
  if (start.chunk_bytes == 0 || start.chunk_bytes > UINT32_MAX) return "chunk_bytes";
  const std::uint32_t end = start.pack_id + 1 < table.size() ? table[start.pack_id + 1] : start.burst_size;
  if (table[start.pack_id] != start.workers.first.value() || end != start.workers.end()) return "pack_id";
  if (start.params_end.size() != start.workers.count || !std::ranges::is_sorted(start.params_end) ||
      start.params_end.back() != start.params.size()) {
    return "params_end";
  }
  return nullptr;
}

template <class Message>
std::string encode_plain(const Message& message) {
  return {reinterpret_cast<const char*>(&message), sizeof message};
}

template <class Message>
Result<Message> decode_plain(std::string_view payload, const char* name) {
  if (payload.size() != sizeof(Message)) {
    return fail(ErrorCode::kInvalid, std::string("a pack's ") + name + " message has " +
                                         std::to_string(payload.size()) + " bytes instead of " +
                                         std::to_string(sizeof(Message)));
  }
  Message message;
  std::memcpy(&message, payload.data(), sizeof message);
  return message;
}

}  // namespace

std::string encode(const StartMessage& message) {
  WireWriter out;
  out.reserve(256 + message.code_path.size() + message.params.size() +
              4 * (message.params_end.size() + message.pack_first_worker.size()));
  out.text(message.flare_id);
  out.text(message.activation_id);
  out.text(message.namespace_name);
  out.text(message.action_name);
  out.text(message.kind);
  out.text(message.code_path);
  out.integer(message.invoker_id);
  out.integer(message.pack_id);
  out.integer(message.burst_size);
  out.integer(message.deadline_us);
  out.numbers(message.pack_first_worker);
  out.integer(message.workers.first.value());
  out.integer(message.workers.count);
  out.text(message.params);
  out.numbers(message.params_end);
  out.text(message.peer_host);
  out.text(message.peer_token);
  out.text(message.backend);
  out.text(message.backend_uri);
  out.integer(message.chunk_bytes);
  out.text(message.main);
  out.integer(static_cast<std::uint8_t>(message.is_single));
  out.integer(static_cast<std::uint8_t>(message.is_binary));
  return out.take();
}

template <>
Result<StartMessage> decode(std::string_view payload) {
  WireReader in(payload);
  StartMessage message;
  std::uint32_t first_worker = 0;
  in.text("flare_id", message.flare_id);
  in.text("activation_id", message.activation_id);
  in.text("namespace_name", message.namespace_name);
  in.text("action_name", message.action_name);
  in.text("kind", message.kind);
  in.text("code_path", message.code_path);
  in.integer("invoker_id", message.invoker_id);
  in.integer("pack_id", message.pack_id);
  in.integer("burst_size", message.burst_size);
  in.integer("deadline_us", message.deadline_us);
  in.numbers("pack_first_worker", message.pack_first_worker);
  in.integer("workers", first_worker);
  in.integer("workers", message.workers.count);
  in.text("params", message.params);
  in.numbers("params_end", message.params_end);
  in.text("peer_host", message.peer_host);
  in.text("peer_token", message.peer_token);
  in.text("backend", message.backend);
  in.text("backend_uri", message.backend_uri);
  in.integer("chunk_bytes", message.chunk_bytes);
  in.text("main", message.main);
  std::uint8_t is_single = 0;
  in.integer("is_single", is_single);
  if (is_single > 1) in.spoil("is_single");
  message.is_single = is_single == 1;
  std::uint8_t is_binary = 0;
  in.integer("is_binary", is_binary);
  if (is_binary > 1) in.spoil("is_binary");
  message.is_binary = is_binary == 1;
  message.workers.first = WorkerId(first_worker);
  if (in.good()) {
    if (const char* field = inconsistent_field(message)) in.spoil(field);
  }
  GUST_TRY_VOID(in.finish("start"));
  return message;
}

std::string encode(const LoadedMessage& message) {
  WireWriter out;
  out.integer(message.entered_us);
  out.integer(message.loaded_us);
  out.integer(message.peak_memory_bytes);
  return out.take();
}

template <>
Result<LoadedMessage> decode(std::string_view payload) {
  WireReader in(payload);
  LoadedMessage message;
  in.integer("entered_us", message.entered_us);
  in.integer("loaded_us", message.loaded_us);
  in.integer("peak_memory_bytes", message.peak_memory_bytes);
  GUST_TRY_VOID(in.finish("loaded"));
  return message;
}

std::string encode(const StartedMessage& message) {
  WireWriter out;
  out.reserve(4 + message.size() * kStartBytes);
  out.length(message.size());
  for (const WorkerStart& worker : message) {
    out.integer(worker.worker_id);
    out.integer(worker.started_us);
  }
  return out.take();
}

template <>
Result<StartedMessage> decode(std::string_view payload) {
  WireReader in(payload);
  StartedMessage message(in.count("count", kStartBytes));
  for (WorkerStart& worker : message) {
    in.integer("worker_id", worker.worker_id);
    in.integer("started_us", worker.started_us);
  }
  GUST_TRY_VOID(in.finish("started"));
  return message;
}

std::string encode(const FinishedMessage& message) {
  WireWriter out;
  std::size_t size = 4;
  for (const WorkerFinish& worker : message) size += kFinishBytes + worker.result.size();
  out.reserve(size);
  out.length(message.size());
  for (const WorkerFinish& worker : message) {
    out.integer(worker.worker_id);
    out.integer(static_cast<std::uint8_t>(worker.ok));
    out.integer(worker.function_started_us);
    out.integer(worker.function_ended_us);
    out.integer(worker.ended_us);
    out.integer(worker.peak_memory_bytes);
    out.text(worker.result);
  }
  return out.take();
}

template <>
Result<FinishedMessage> decode(std::string_view payload) {
  WireReader in(payload);
  FinishedMessage message(in.count("count", kFinishBytes));
  for (WorkerFinish& worker : message) {
    std::uint8_t ok = 0;
    in.integer("worker_id", worker.worker_id);
    in.integer("ok", ok);
    if (ok > 1) in.spoil("ok");
    worker.ok = ok == 1;
    in.integer("function_started_us", worker.function_started_us);
    in.integer("function_ended_us", worker.function_ended_us);
    in.integer("ended_us", worker.ended_us);
    in.integer("peak_memory_bytes", worker.peak_memory_bytes);
    in.text("result", worker.result);
  }
  GUST_TRY_VOID(in.finish("finished"));
  return message;
}

std::string encode(const PeersMessage& message) {
  WireWriter out;
  out.length(message.size());
  for (const PeerNews& peer : message) {
    out.integer(peer.pack_id);
    out.text(peer.address);
  }
  return out.take();
}

template <>
Result<PeersMessage> decode(std::string_view payload) {
  WireReader in(payload);
  PeersMessage message(in.count("count", kPeerBytes));
  for (PeerNews& peer : message) {
    in.integer("pack_id", peer.pack_id);
    in.text("address", peer.address);
  }
  GUST_TRY_VOID(in.finish("peers"));
  return message;
}

std::string encode(const CrashedMessage& message) { return encode_plain(message); }

std::string encode(const TrafficMessage& message) { return encode_plain(message); }

template <>
Result<TrafficMessage> decode(std::string_view payload) {
  return decode_plain<TrafficMessage>(payload, "traffic");
}

template <>
Result<CrashedMessage> decode(std::string_view payload) {
  return decode_plain<CrashedMessage>(payload, "crashed");
}

std::string encode(const ExitedMessage& message) { return encode_plain(message); }

template <>
Result<ExitedMessage> decode(std::string_view payload) {
  return decode_plain<ExitedMessage>(payload, "exited");
}

}  // namespace gust::protocol
