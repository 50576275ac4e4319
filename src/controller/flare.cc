#include "controller/flare.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/check.h"

namespace gust::controller {

using store::FlareState;
using store::PackCause;
using store::PackState;
using store::WorkerState;

namespace {

std::uint32_t packs_of(std::uint32_t burst_size, std::uint32_t granularity) {
  return (burst_size + granularity - 1) / granularity;
}

ErrorCode code_of(PackCause cause) {
  switch (cause) {
    case PackCause::kLoadFailed: return ErrorCode::kInvalid;
    case PackCause::kWorkerCrashed:
    case PackCause::kWorkerExited:
    case PackCause::kKilled: return ErrorCode::kCrashed;
    case PackCause::kStopped: return ErrorCode::kCancelled;
    case PackCause::kInvokerLost: return ErrorCode::kUnavailable;
    case PackCause::kUnknown:
    case PackCause::kFinished:
    case PackCause::kLaunchFailed: break;
  }
  return ErrorCode::kInternal;
}

/// What befalls a flare from outside: the same workers may do well elsewhere.
bool is_loss(PackCause cause) {
  return cause == PackCause::kInvokerLost || cause == PackCause::kKilled || cause == PackCause::kLaunchFailed;
}

std::optional<std::size_t> find_stranger(const google::protobuf::RepeatedField<std::uint32_t>& ids, WorkerRange range) {
  for (int i = 0; i < ids.size(); ++i) {
    if (!range.contains(WorkerId(ids[i]))) return ids[i];
  }
  return std::nullopt;
}

std::shared_ptr<store::FlareRecord> summary_of(const store::FlareRecord& record) {
  auto copy = std::make_shared<store::FlareRecord>();
  copy->id = record.id;
  copy->run = record.run;
  copy->priority = record.priority;
  copy->retries = record.retries;
  copy->lost = record.lost;
  copy->namespace_name = record.namespace_name;
  copy->action = record.action;
  copy->invocation = record.invocation;
  copy->strategy = record.strategy;
  copy->granularity = record.granularity;
  copy->burst_size = record.burst_size;
  copy->backend = record.backend;
  copy->chunk = record.chunk;
  copy->state = record.state;
  copy->stamps = record.stamps;
  copy->cause = record.cause;
  copy->activations = record.activations;
  copy->workers_started = record.workers_started;
  copy->workers_finished = record.workers_finished;
  copy->workers_with_error = record.workers_with_error;
  return copy;
}

FlareState outcome_of(const Error& cause) {
  switch (cause.code) {
    case ErrorCode::kCancelled: return FlareState::kCancelled;
    case ErrorCode::kTimedOut: return FlareState::kTimedOut;
    default: return FlareState::kFailed;
  }
}

}  // namespace

store::FlarePtr copy_record(const store::FlareRecord& record, Detail detail) {
  if (detail == Detail::kFull) return std::make_shared<const store::FlareRecord>(record);
  return summary_of(record);
}

Flare::Flare(store::OpenFlare open) : record_(*open.flare), params_(std::move(open.params)) {
  record_.workers.resize(record_.burst_size);
  if (record_.cause) outcome_ = outcome_of(*record_.cause);
}

store::OpenFlare Flare::to_open() const {
  const auto copy = summary_of(record_);
  copy->workers_started = copy->workers_finished = copy->workers_with_error = 0;
  if (!is_failing() && copy->state != FlareState::kQueued) copy->state = FlareState::kStarting;
  copy->packs.reserve(record_.packs.size());
  for (const store::PackRecord& pack : record_.packs) {
    store::PackRecord& open = copy->packs.emplace_back();
    open.invoker = pack.invoker;
    open.invoker_name = pack.invoker_name;
    open.workers = pack.workers;
    open.state = PackState::kStarting;
  }
  return {.flare = copy, .params = params_};
}

Flare::Flare(FlareId id, FlareRequest request) : params_(std::move(request.params)) {
  record_.id = std::move(id);
  record_.run = record_.id;
  record_.priority = request.priority;
  record_.retries = request.retries;
  record_.namespace_name = std::move(request.namespace_name);
  record_.action = std::move(request.action);
  record_.invocation = request.invocation;
  record_.strategy = request.strategy;
  record_.granularity = request.granularity;
  if (!request.backend.empty()) record_.backend = std::move(request.backend);
  record_.chunk = request.chunk;
  record_.burst_size = static_cast<std::uint32_t>(params_.size());
  record_.stamps.received = request.received;
  record_.workers.resize(record_.burst_size);
}

void Flare::drop_params() { params_ = {}; }

void Flare::queue(WallTime at) {
  record_.state = FlareState::kQueued;
  record_.stamps.queued = at;
  if (!record_.activations.empty()) return;
  // Homogeneous packs are known before they are placed; of others only the workers are.
  const bool known = record_.strategy == packing::Strategy::kHomogeneous;
  const std::uint32_t size = known ? record_.granularity : record_.burst_size;
  const std::uint32_t count = packs_of(record_.burst_size, size);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t first = i * size;
    record_.activations.push_back({i == 0 ? ActivationId(record_.id.str()) : ActivationId(random_hex_id()),
                                   {WorkerId(first), std::min(size, record_.burst_size - first)}});
  }
}

void Flare::reserve(const packing::Plan& plan, const std::function<std::string(InvokerId)>& name_of, WallTime at) {
  record_.state = FlareState::kReserved;
  record_.stamps.reserved = at;
  record_.packs.reserve(plan.size());
  for (const packing::PlannedPack& planned : plan) {
    store::PackRecord pack;
    pack.invoker = planned.invoker;
    pack.invoker_name = name_of(planned.invoker);
    pack.workers = planned.workers;
    record_.packs.push_back(std::move(pack));
  }
  if (!record_.activations.empty()) return;
  for (const store::PackRecord& pack : record_.packs) {
    const bool first = record_.activations.empty();
    record_.activations.push_back(
        {first ? ActivationId(record_.id.str()) : ActivationId(random_hex_id()), pack.workers});
  }
}

void Flare::start(WallTime at) {
  record_.state = FlareState::kStarting;
  record_.stamps.starting = at;
  for (store::PackRecord& pack : record_.packs) pack.state = PackState::kStarting;
}

bool Flare::find_started(const google::protobuf::RepeatedField<std::uint32_t>& pack_first_worker, WallTime now) {
  std::vector<std::uint32_t> bounds(pack_first_worker.begin(), pack_first_worker.end());
  bounds.push_back(record_.burst_size);
  const bool ascends = std::ranges::adjacent_find(bounds, std::ranges::greater_equal{}) == bounds.end();
  if (record_.state != FlareState::kQueued || !ascends || bounds.front() != 0) return false;
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
    record_.packs.emplace_back().workers = {WorkerId(bounds[i]), bounds[i + 1] - bounds[i]};
  }
  record_.stamps.reserved = now;
  start(now);
  return true;
}

void Flare::attach_pack(PackId pack, InvokerId invoker, const std::string& name) {
  record_.packs[pack.value()].invoker = invoker;
  record_.packs[pack.value()].invoker_name = name;
}

Result<void> Flare::check(InvokerId from, const protocol::PackReport& report) const {
  if (report.pack_id() >= record_.packs.size()) {
    return fail(ErrorCode::kInvalid, fmt::format("there is no pack {}", report.pack_id()));
  }
  const store::PackRecord& pack = record_.packs[report.pack_id()];
  if (pack.invoker != from) {
    return fail(ErrorCode::kInvalid, fmt::format("pack {} is invoker {}'s", report.pack_id(), pack.invoker.value()));
  }
  if (pack.state == PackState::kEnded) {
    return fail(ErrorCode::kInvalid, fmt::format("pack {} had ended", report.pack_id()));
  }
  const auto& started = report.started();
  const auto& finished = report.finished();
  if (started.worker_id_size() != started.started_us_size() ||
      finished.worker_id_size() != finished.function_started_us_size() ||
      finished.worker_id_size() != finished.function_ended_us_size() ||
      finished.worker_id_size() != finished.ended_us_size() ||
      finished.worker_id_size() != finished.peak_memory_bytes_size() ||
      finished.worker_id_size() != finished.ok_size() || finished.worker_id_size() != finished.result_size()) {
    return fail(ErrorCode::kInvalid, "arrays of different lengths");
  }
  for (const auto* ids : {&started.worker_id(), &finished.worker_id()}) {
    if (const auto stranger = find_stranger(*ids, pack.workers)) {
      return fail(ErrorCode::kInvalid, fmt::format("worker {} is not in pack {}", *stranger, report.pack_id()));
    }
  }
  return {};
}

Result<Flare::Effect> Flare::apply(InvokerId from, const protocol::PackReport& report, WallTime now) {
  GUST_TRY_VOID(check(from, report));
  store::PackRecord& pack = record_.packs[report.pack_id()];
  if (report.has_launched()) {
    pack.received = from_micros(report.launched().received_us());
    pack.launched = from_micros(report.launched().launched_us());
    pack.pid = report.launched().pid();
    pack.prewarmed = report.launched().prewarmed();
  }
  if (report.has_loaded()) {
    pack.state = PackState::kLoaded;
    pack.entered = from_micros(report.loaded().entered_us());
    pack.loaded = from_micros(report.loaded().loaded_us());
    pack.peak_memory_at_start = Bytes(report.loaded().peak_memory_bytes());
  }
  if (report.has_started()) {
    pack.state = PackState::kRunning;
    apply_started(report.started());
  }
  if (report.has_finished()) apply_finished(report.finished());
  if (report.has_traffic()) {
    const protocol::PackTraffic& sent = report.traffic();
    pack.traffic = {.local_messages = sent.local_messages(),
                    .local_bytes = sent.local_bytes(),
                    .remote_messages = sent.remote_messages(),
                    .remote_bytes = sent.remote_bytes()};
  }
  for (const protocol::LogLine& line : report.log()) {
    pack.logs.push_back({from_micros(line.stamp_us()), line.is_stderr(), line.text()});
  }
  if (report.log_size() > 0) {
    record_.log_order.push_back({.pack = report.pack_id(), .lines = static_cast<std::uint32_t>(report.log_size())});
  }
  Effect effect = Effect::kNone;
  if (report.has_ended()) {
    apply_ended(PackId(report.pack_id()), report.ended(), now);
    effect = Effect::kPackEnded;
  }
  advance(now);
  return effect;
}

void Flare::mark_started(store::WorkerRecord& worker, WallTime at) {
  if (worker.state != WorkerState::kWaiting) return;
  worker.state = WorkerState::kRunning;
  worker.started = at;
  ++record_.workers_started;
}

void Flare::apply_started(const protocol::WorkersStarted& started) {
  for (int i = 0; i < started.worker_id_size(); ++i) {
    mark_started(record_.workers[started.worker_id(i)], from_micros(started.started_us(i)));
  }
}

void Flare::apply_finished(const protocol::WorkersFinished& finished) {
  for (int i = 0; i < finished.worker_id_size(); ++i) {
    store::WorkerRecord& worker = record_.workers[finished.worker_id(i)];
    if (worker.state == WorkerState::kReturned || worker.state == WorkerState::kReturnedError) continue;
    mark_started(worker, from_micros(finished.function_started_us(i)));
    worker.state = finished.ok(i) ? WorkerState::kReturned : WorkerState::kReturnedError;
    worker.function_started = from_micros(finished.function_started_us(i));
    worker.function_ended = from_micros(finished.function_ended_us(i));
    worker.ended = from_micros(finished.ended_us(i));
    worker.peak_memory = Bytes(finished.peak_memory_bytes(i));
    worker.result = finished.result(i);
    ++record_.workers_finished;
    if (!finished.ok(i)) ++record_.workers_with_error;
  }
}

void Flare::apply_ended(PackId id, const protocol::PackEnded& ended, WallTime now) {
  store::PackRecord& pack = record_.packs[id.value()];
  pack.signal = ended.signal();
  pack.exit_code = ended.exit_code();
  if (ended.has_worker_id()) pack.culprit = WorkerId(ended.worker_id());
  pack.cpu = std::chrono::microseconds(ended.cpu_us());
  pack.peak_memory = Bytes(ended.peak_memory_bytes());
  end_pack(id, static_cast<PackCause>(ended.cause()), ended.message(), from_micros(ended.ended_us()), now);
}

void Flare::end_pack(PackId id, PackCause cause, const std::string& message, WallTime ended, WallTime now) {
  store::PackRecord& pack = record_.packs[id.value()];
  pack.state = PackState::kEnded;
  pack.ended = ended;
  pack.cause = cause;
  pack.message = message;
  ++packs_ended_;

  std::uint32_t lost = 0;
  for (std::uint32_t w = pack.workers.first.value(); w < pack.workers.end(); ++w) {
    store::WorkerRecord& worker = record_.workers[w];
    if (worker.state == WorkerState::kWaiting || worker.state == WorkerState::kRunning) {
      worker.state = WorkerState::kLost;
      ++lost;
    }
  }
  if (pack.cause == PackCause::kFinished && lost == 0) return;
  if (pack.message.empty()) pack.message = fmt::format("ended ({}) with {} workers lost", to_string(pack.cause), lost);
  const bool hearsay = pack.cause == PackCause::kStopped;
  if (is_hearsay_ && !hearsay) record_.cause.reset();
  if (!is_failing()) {
    is_lost_ = is_loss(pack.cause);
    is_hearsay_ = hearsay;
  }
  abort(FlareState::kFailed,
        Error{code_of(pack.cause),
              fmt::format("{} (pack {} on invoker {})", pack.message, id.value(), pack.invoker.value())},
        now);
}

Flare::Effect Flare::lose_pack(PackId id, const std::string& why, WallTime now) {
  if (record_.packs[id.value()].state == PackState::kEnded) return Effect::kNone;
  end_pack(id, PackCause::kInvokerLost, why, now, now);
  return Effect::kPackEnded;
}

void Flare::abort(FlareState outcome, Error cause, WallTime now) {
  const bool ends_retries = outcome == FlareState::kCancelled && may_retry();
  if ((is_failing() && !ends_retries) || has_ended(record_.state)) return;
  is_lost_ = is_lost_ && !ends_retries;
  outcome_ = outcome;
  record_.cause = std::move(cause);
  record_.state = FlareState::kFinishing;
  record_.stamps.finishing = now;
}

void Flare::advance(WallTime now) {
  if (record_.state == FlareState::kStarting && record_.workers_started == record_.burst_size) {
    record_.state = FlareState::kRunning;
    record_.stamps.running = now;
  }
  if (record_.state == FlareState::kRunning && record_.workers_finished > 0) {
    record_.state = FlareState::kFinishing;
    record_.stamps.finishing = now;
  }
}

std::string Flare::unfinished_workers() const {
  constexpr std::size_t kNamed = 8;
  std::vector<std::uint32_t> ids;
  for (std::uint32_t w = 0; w < record_.burst_size; ++w) {
    const WorkerState state = record_.workers[w].state;
    if (state == WorkerState::kWaiting || state == WorkerState::kRunning) ids.push_back(w);
  }
  const std::size_t named = std::min(ids.size(), kNamed);
  std::string text = fmt::format("{} {}", ids.size() == 1 ? "worker" : "workers",
                                 fmt::join(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(named), ", "));
  if (ids.size() > named) text += fmt::format(" and {} more", ids.size() - named);
  return text;
}

void Flare::retry(WallTime now) {
  GUST_CHECK(may_retry() && all_packs_ended(), "a lost flare starts again after its packs have ended");
  record_.lost.push_back({record_.stamps.starting, now, record_.cause->message});
  record_.run = FlareId(random_hex_id());
  record_.packs.clear();
  record_.log_order.clear();
  record_.workers.assign(record_.burst_size, {});
  record_.workers_started = record_.workers_finished = record_.workers_with_error = 0;
  record_.cause.reset();
  const WallTime received = std::exchange(record_.stamps, {}).received;
  record_.stamps.received = received;
  packs_ended_ = 0;
  is_lost_ = is_hearsay_ = false;
  outcome_ = FlareState::kSucceeded;
  queue(now);
}

void Flare::finish(WallTime now) {
  GUST_CHECK(all_packs_ended(), "a flare ends after its packs");
  record_.state = outcome_;
  record_.stamps.ended = now;
}

}  // namespace gust::controller
