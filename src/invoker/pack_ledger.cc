#include "invoker/pack_ledger.h"

#include <fmt/format.h>
#include <utility>

#include "base/json.h"
#include "invoker/utf8.h"

namespace gust::invoker {

using protocol::FrameType;

namespace {

constexpr int kLargestSignal = 64;

std::unexpected<Error> broken(std::string what) { return fail(ErrorCode::kInvalid, std::move(what)); }

}  // namespace

PackLedger::PackLedger(PackId id, InvokerId invoker, WorkerRange workers, Bytes memory_limit, Bytes result_limit)
    : id_(id),
      invoker_(invoker),
      workers_(workers),
      memory_limit_(memory_limit),
      result_limit_(result_limit),
      started_(workers.count),
      finished_(workers.count) {}

Result<void> PackLedger::take(FrameType type, std::string_view payload, protocol::PackReport& report) {
  if (load_failure_ || crash_ || exit_) return broken("it wrote on after its last message");
  switch (type) {
    case FrameType::kLoaded: return take_loaded(GUST_TRY(protocol::decode<protocol::LoadedMessage>(payload)), report);
    case FrameType::kStarted:
      return take_started(GUST_TRY(protocol::decode<protocol::StartedMessage>(payload)), report);
    case FrameType::kFinished:
      return take_finished(GUST_TRY(protocol::decode<protocol::FinishedMessage>(payload)), report);
    case FrameType::kLoadFailed: load_failure_ = to_utf8(payload); return {};
    case FrameType::kCrashed: {
      const auto crash = GUST_TRY(protocol::decode<protocol::CrashedMessage>(payload));
      if (crash.worker_id != protocol::kNoWorker) GUST_TRY_VOID(check_worker(crash.worker_id, "a crash"));
      if (crash.signal <= 0 || crash.signal > kLargestSignal) {
        return broken(fmt::format("it reported a crash with signal {}, which does not exist", crash.signal));
      }
      crash_ = crash;
      return {};
    }
    case FrameType::kExited: {
      const auto exit = GUST_TRY(protocol::decode<protocol::ExitedMessage>(payload));
      if (exit.worker_id != protocol::kNoWorker) GUST_TRY_VOID(check_worker(exit.worker_id, "an exit"));
      exit_ = exit;
      return {};
    }
    case FrameType::kPeerAddress: return take_address(payload, report);
    case FrameType::kTraffic:
      return take_traffic(GUST_TRY(protocol::decode<protocol::TrafficMessage>(payload)), report);
    case FrameType::kStart:
    case FrameType::kPeers:
    case FrameType::kStop: break;
  }
  return broken(fmt::format("it sent a message of type {}, which packs do not send", std::to_underlying(type)));
}

Result<void> PackLedger::take_loaded(const protocol::LoadedMessage& message, protocol::PackReport& report) {
  if (std::exchange(loaded_, true)) return broken("it reported twice that it had loaded");
  protocol::PackLoaded& news = *report.mutable_loaded();
  news.set_entered_us(message.entered_us);
  news.set_loaded_us(message.loaded_us);
  news.set_peak_memory_bytes(message.peak_memory_bytes);
  return {};
}

// Other packs will be told to connect to it: it may name no more than addresses.
Result<void> PackLedger::take_address(std::string_view address, protocol::PackReport& report) {
  if (std::exchange(announced_, true)) return broken("it announced its address twice");
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789:.-[]% ";
  if (address.empty() || address.size() > protocol::kMaxPeerAddressBytes ||
      address.find_first_not_of(kAllowed) != std::string_view::npos) {
    return broken("it announced something that is no address");
  }
  report.set_peer_address(std::string(address));
  return {};
}

Result<void> PackLedger::take_traffic(const protocol::TrafficMessage& message, protocol::PackReport& report) {
  if (std::exchange(told_traffic_, true)) return broken("it reported twice what its workers have sent");
  protocol::PackTraffic& news = *report.mutable_traffic();
  news.set_local_messages(message.local_messages);
  news.set_local_bytes(message.local_bytes);
  news.set_remote_messages(message.remote_messages);
  news.set_remote_bytes(message.remote_bytes);
  return {};
}

Result<void> PackLedger::take_started(const protocol::StartedMessage& message, protocol::PackReport& report) {
  if (!loaded_) return broken("it reported started workers before it had loaded");
  for (const protocol::WorkerStart& start : message) {
    GUST_TRY_VOID(check_worker(start.worker_id, "a start"));
    if (started_[index(start.worker_id)]) return broken(fmt::format("worker {} started twice", start.worker_id));
    started_[index(start.worker_id)] = true;
    ++started_count_;
    report.mutable_started()->add_worker_id(start.worker_id);
    report.mutable_started()->add_started_us(start.started_us);
  }
  return {};
}

Result<void> PackLedger::take_finished(protocol::FinishedMessage message, protocol::PackReport& report) {
  for (protocol::WorkerFinish& finish : message) {
    GUST_TRY_VOID(check_worker(finish.worker_id, "a finish"));
    const std::size_t at = index(finish.worker_id);
    if (!started_[at]) return broken(fmt::format("worker {} finished and had not started", finish.worker_id));
    if (finished_[at]) return broken(fmt::format("worker {} finished twice", finish.worker_id));
    results_ += Bytes(finish.result.size());
    if (results_ > result_limit_) {
      return fail(ErrorCode::kTooLarge,
                  fmt::format("the results of its workers are larger than {} together; write large results to storage "
                              "and return where they are",
                              to_string(result_limit_)));
    }
    finished_[at] = true;
    ++finished_count_;
    if (finish.ok) {
      if (auto json = check_json(finish.result, "result"); !json) {
        finish.ok = false;
        finish.result = json.error().message;
      }
    } else {
      finish.result = to_utf8(finish.result);
    }
    protocol::WorkersFinished& news = *report.mutable_finished();
    news.add_worker_id(finish.worker_id);
    news.add_function_started_us(finish.function_started_us);
    news.add_function_ended_us(finish.function_ended_us);
    news.add_ended_us(finish.ended_us);
    news.add_peak_memory_bytes(finish.peak_memory_bytes);
    news.add_ok(finish.ok);
    news.add_result(std::move(finish.result));
  }
  return {};
}

Result<void> PackLedger::check_worker(std::uint32_t worker_id, std::string_view what) const {
  if (workers_.contains(WorkerId(worker_id))) return {};
  return broken(fmt::format("it reported {} of worker {}; its workers are {} to {}", what, worker_id,
                            workers_.first.value(), workers_.end() - 1));
}

}  // namespace gust::invoker
