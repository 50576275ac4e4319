#include "store/sqlite/documents.h"

#include <algorithm>

#include "store/sqlite/documents.pb.h"

namespace gust::store {

namespace {

Bytes bytes_of(std::uint64_t count) { return Bytes(count); }

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::kInternal, "a stored " + std::string(what) + " is damaged: it cannot be read");
}

Result<Json> read_json(const std::string& text) {
  if (text.empty()) return Json::array();
  return parse_json(text, "a stored entity");
}

// Entities

void write(const Entity& entity, stored::Entity& to) {
  to.set_namespace_name(entity.namespace_name);
  to.set_package(entity.package);
  to.set_name(entity.name);
  to.set_version(entity.version);
  to.set_publish(entity.publish);
  to.set_annotations(dump_json(entity.annotations));
  to.set_updated(to_micros(entity.updated));
}

Result<void> read(const stored::Entity& from, Entity& entity) {
  entity.namespace_name = from.namespace_name();
  entity.package = from.package();
  entity.name = from.name();
  entity.version = from.version();
  entity.publish = from.publish();
  entity.annotations = GUST_TRY(read_json(from.annotations()));
  entity.updated = from_micros(from.updated());
  return {};
}

void write(const ActionLimits& limits, stored::Limits& to) {
  to.set_timeout_milliseconds(static_cast<std::uint64_t>(limits.timeout.count()));
  to.set_memory(limits.memory.count());
  to.set_logs(limits.logs.count());
  to.set_processes(limits.processes);
  to.set_open_files(limits.open_files);
  to.set_tmp(limits.tmp.count());
  to.set_cpu(limits.cpu);
}

void read(const stored::Limits& from, ActionLimits& limits) {
  limits.timeout = std::chrono::milliseconds(from.timeout_milliseconds());
  limits.memory = Bytes(from.memory());
  limits.logs = Bytes(from.logs());
  limits.processes = from.processes();
  limits.open_files = from.open_files();
  limits.tmp = Bytes(from.tmp());
  limits.cpu = from.cpu();
}

void write(const Action& action, stored::Action& to) {
  write(action, *to.mutable_entity());
  to.set_kind(action.kind);
  to.set_main(action.main);
  to.set_image(action.image);
  to.set_code_digest(action.code_digest);
  to.set_binary(action.binary);
  write(action.limits, *to.mutable_limits());
  to.set_parameters(dump_json(action.parameters));
}

Result<void> read(const stored::Action& from, Action& action) {
  GUST_TRY_VOID(read(from.entity(), action));
  action.kind = from.kind();
  action.main = from.main();
  action.image = from.image();
  action.code_digest = from.code_digest();
  action.binary = from.binary();
  read(from.limits(), action.limits);
  action.parameters = GUST_TRY(read_json(from.parameters()));
  return {};
}

void write(const Package& package, stored::Package& to) {
  write(package, *to.mutable_entity());
  to.set_parameters(dump_json(package.parameters));
  to.set_binding(package.binding);
}

Result<void> read(const stored::Package& from, Package& package) {
  GUST_TRY_VOID(read(from.entity(), package));
  package.parameters = GUST_TRY(read_json(from.parameters()));
  package.binding = from.binding();
  return {};
}

void write(const Trigger& trigger, stored::Trigger& to) {
  write(trigger, *to.mutable_entity());
  to.set_parameters(dump_json(trigger.parameters));
}

Result<void> read(const stored::Trigger& from, Trigger& trigger) {
  GUST_TRY_VOID(read(from.entity(), trigger));
  trigger.parameters = GUST_TRY(read_json(from.parameters()));
  return {};
}

void write(const Rule& rule, stored::Rule& to) {
  write(rule, *to.mutable_entity());
  to.set_trigger(rule.trigger);
  to.set_action(rule.action);
  to.set_state(static_cast<std::uint32_t>(rule.state));
}

Result<void> read(const stored::Rule& from, Rule& rule) {
  GUST_TRY_VOID(read(from.entity(), rule));
  rule.trigger = from.trigger();
  rule.action = from.action();
  rule.state = static_cast<RuleState>(from.state());
  return {};
}

void write(const Key& key, stored::Key& to) {
  write(key, *to.mutable_entity());
  to.set_owner(key.owner);
  to.set_digest(key.digest);
}

Result<void> read(const stored::Key& from, Key& key) {
  GUST_TRY_VOID(read(from.entity(), key));
  key.owner = from.owner();
  key.digest = from.digest();
  return {};
}

void write(const Drain& drain, stored::Drain& to) { write(drain, *to.mutable_entity()); }

Result<void> read(const stored::Drain& from, Drain& drain) { return read(from.entity(), drain); }

void write(const Token& token, stored::Token& to) {
  write(token, *to.mutable_entity());
  to.set_digest(token.digest);
  to.set_expires(to_micros(token.expires));
}

Result<void> read(const stored::Token& from, Token& token) {
  GUST_TRY_VOID(read(from.entity(), token));
  token.digest = from.digest();
  token.expires = from_micros(from.expires());
  return {};
}

// Flares

void write(const WorkerRecord& worker, stored::Worker& to) {
  to.set_state(static_cast<std::uint32_t>(worker.state));
  to.set_started(to_micros(worker.started));
  to.set_function_started(to_micros(worker.function_started));
  to.set_function_ended(to_micros(worker.function_ended));
  to.set_ended(to_micros(worker.ended));
  to.set_peak_memory(worker.peak_memory.count());
  to.set_result(worker.result);
}

WorkerRecord read(const stored::Worker& from) {
  return {.state = static_cast<WorkerState>(from.state()),
          .started = from_micros(from.started()),
          .function_started = from_micros(from.function_started()),
          .function_ended = from_micros(from.function_ended()),
          .ended = from_micros(from.ended()),
          .peak_memory = bytes_of(from.peak_memory()),
          .result = from.result()};
}

void write(const PackRecord& pack, stored::Pack& to) {
  to.set_invoker(pack.invoker.value());
  to.set_invoker_name(pack.invoker_name);
  to.set_first_worker(pack.workers.first.value());
  to.set_workers(pack.workers.count);
  to.set_state(static_cast<std::uint32_t>(pack.state));
  to.set_received(to_micros(pack.received));
  to.set_launched(to_micros(pack.launched));
  to.set_entered(to_micros(pack.entered));
  to.set_loaded(to_micros(pack.loaded));
  to.set_ended(to_micros(pack.ended));
  to.set_pid(pack.pid);
  to.set_prewarmed(pack.prewarmed);
  to.set_cause(static_cast<std::uint32_t>(pack.cause));
  to.set_signal(pack.signal);
  to.set_exit_code(pack.exit_code);
  if (pack.culprit) to.set_culprit(pack.culprit->value());
  to.set_message(pack.message);
  to.set_cpu_microseconds(pack.cpu.count());
  to.set_peak_memory_at_start(pack.peak_memory_at_start.count());
  to.set_peak_memory(pack.peak_memory.count());
  to.set_local_messages(pack.traffic.local_messages);
  to.set_local_bytes(pack.traffic.local_bytes);
  to.set_remote_messages(pack.traffic.remote_messages);
  to.set_remote_bytes(pack.traffic.remote_bytes);
  for (const LogLine& line : pack.logs) {
    stored::LogLine& stored = *to.add_logs();
    stored.set_at(to_micros(line.at));
    stored.set_is_stderr(line.is_stderr);
    stored.set_text(line.text);
  }
}

PackRecord read(const stored::Pack& from) {
  PackRecord pack{.invoker = InvokerId(from.invoker()),
                  .invoker_name = from.invoker_name(),
                  .workers = {WorkerId(from.first_worker()), from.workers()},
                  .state = static_cast<PackState>(from.state()),
                  .received = from_micros(from.received()),
                  .launched = from_micros(from.launched()),
                  .entered = from_micros(from.entered()),
                  .loaded = from_micros(from.loaded()),
                  .ended = from_micros(from.ended()),
                  .pid = from.pid(),
                  .prewarmed = from.prewarmed(),
                  .cause = static_cast<PackCause>(from.cause()),
                  .signal = from.signal(),
                  .exit_code = from.exit_code(),
                  .culprit = std::nullopt,
                  .message = from.message(),
                  .cpu = std::chrono::microseconds(from.cpu_microseconds()),
                  .peak_memory_at_start = bytes_of(from.peak_memory_at_start()),
                  .peak_memory = bytes_of(from.peak_memory()),
                  .traffic = {.local_messages = from.local_messages(),
                              .local_bytes = from.local_bytes(),
                              .remote_messages = from.remote_messages(),
                              .remote_bytes = from.remote_bytes()},
                  .logs = {}};
  if (from.has_culprit()) pack.culprit = WorkerId(from.culprit());
  pack.logs.reserve(static_cast<std::size_t>(from.logs_size()));
  for (const stored::LogLine& line : from.logs()) {
    pack.logs.push_back({.at = from_micros(line.at()), .is_stderr = line.is_stderr(), .text = line.text()});
  }
  return pack;
}

void write(const FlareRecord& flare, stored::Flare& to) {
  to.set_id(flare.id.str());
  to.set_namespace_name(flare.namespace_name);
  write(*flare.action, *to.mutable_action());
  to.set_invocation(static_cast<std::uint32_t>(flare.invocation));
  to.set_strategy(static_cast<std::uint32_t>(flare.strategy));
  to.set_granularity(flare.granularity);
  to.set_burst_size(flare.burst_size);
  to.set_backend(flare.backend);
  to.set_chunk(flare.chunk.count());
  to.set_state(static_cast<std::uint32_t>(flare.state));
  to.set_received(to_micros(flare.stamps.received));
  to.set_queued(to_micros(flare.stamps.queued));
  to.set_reserved(to_micros(flare.stamps.reserved));
  to.set_starting(to_micros(flare.stamps.starting));
  to.set_running(to_micros(flare.stamps.running));
  to.set_finishing(to_micros(flare.stamps.finishing));
  to.set_ended(to_micros(flare.stamps.ended));
  if (flare.cause) {
    to.mutable_cause()->set_code(static_cast<std::uint32_t>(flare.cause->code));
    to.mutable_cause()->set_message(flare.cause->message);
  }
  for (const ActivationRecord& activation : flare.activations) {
    stored::Activation& stored = *to.add_activations();
    stored.set_id(activation.id.str());
    stored.set_first_worker(activation.workers.first.value());
    stored.set_workers(activation.workers.count);
  }
  for (const PackRecord& pack : flare.packs) write(pack, *to.add_packs());
  for (const WorkerRecord& worker : flare.workers) write(worker, *to.add_workers());
  to.set_workers_started(flare.workers_started);
  to.set_workers_finished(flare.workers_finished);
  to.set_workers_with_error(flare.workers_with_error);
  to.set_run(flare.run.str());
  to.set_priority(flare.priority);
  to.set_retries(flare.retries);
  for (const LostAttempt& attempt : flare.lost) {
    stored::LostAttempt& stored = *to.add_lost();
    stored.set_started(to_micros(attempt.started));
    stored.set_ended(to_micros(attempt.ended));
    stored.set_cause(attempt.cause);
  }
}

Result<void> read(const stored::Flare& from, FlareRecord& flare) {
  flare.id = FlareId(from.id());
  flare.namespace_name = from.namespace_name();
  auto action = std::make_shared<Action>();
  GUST_TRY_VOID(read(from.action(), *action));
  flare.action = std::move(action);
  flare.invocation = static_cast<Invocation>(from.invocation());
  flare.strategy = static_cast<packing::Strategy>(from.strategy());
  flare.granularity = from.granularity();
  flare.burst_size = from.burst_size();
  flare.backend = from.backend();
  flare.chunk = bytes_of(from.chunk());
  flare.state = static_cast<FlareState>(from.state());
  flare.stamps = {.received = from_micros(from.received()),
                  .queued = from_micros(from.queued()),
                  .reserved = from_micros(from.reserved()),
                  .starting = from_micros(from.starting()),
                  .running = from_micros(from.running()),
                  .finishing = from_micros(from.finishing()),
                  .ended = from_micros(from.ended())};
  if (from.has_cause()) {
    flare.cause = Error{.code = static_cast<ErrorCode>(from.cause().code()), .message = from.cause().message()};
  }
  for (const stored::Activation& activation : from.activations()) {
    flare.activations.push_back(
        {.id = ActivationId(activation.id()), .workers = {WorkerId(activation.first_worker()), activation.workers()}});
  }
  for (const stored::Pack& pack : from.packs()) flare.packs.push_back(read(pack));
  for (const stored::Worker& worker : from.workers()) flare.workers.push_back(read(worker));
  flare.workers_started = from.workers_started();
  flare.workers_finished = from.workers_finished();
  flare.workers_with_error = from.workers_with_error();
  flare.run = FlareId(from.run());
  flare.priority = from.priority();
  flare.retries = from.retries();
  for (const stored::LostAttempt& attempt : from.lost()) {
    flare.lost.push_back({from_micros(attempt.started()), from_micros(attempt.ended()), attempt.cause()});
  }
  // Readers look workers up by these.
  const auto fits = [&](const WorkerRange& range) {
    return range.first.value() <= flare.burst_size && range.count <= flare.burst_size - range.first.value();
  };
  const bool whole = std::ranges::all_of(flare.activations, fits, &ActivationRecord::workers) &&
                     std::ranges::all_of(flare.packs, fits, &PackRecord::workers) &&
                     flare.workers.size() == (has_ended(flare.state) ? flare.burst_size : 0);
  if (!whole) return damaged(FlareRecord::kNoun);
  return {};
}

void write(const OpenFlare& open, stored::OpenFlare& to) {
  write(*open.flare, *to.mutable_flare());
  for (const std::string& text : open.params) to.add_params(text);
}

Result<void> read(const stored::OpenFlare& from, OpenFlare& open) {
  auto flare = std::make_shared<FlareRecord>();
  GUST_TRY_VOID(read(from.flare(), *flare));
  open.params.assign(from.params().begin(), from.params().end());
  const bool may_start = flare->state == FlareState::kQueued;
  const bool whole = open.params.empty() ? !may_start : open.params.size() == flare->burst_size;
  if (has_ended(flare->state) || !whole) return damaged(OpenFlare::kNoun);
  open.flare = std::move(flare);
  return {};
}

template <class Stored, class T>
std::string serialise(const T& record) {
  Stored stored;
  write(record, stored);
  return stored.SerializeAsString();
}

template <class Stored, class T>
Result<T> parse(std::string_view bytes) {
  Stored stored;
  if (!stored.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return damaged(T::kNoun);
  T record;
  GUST_TRY_VOID(read(stored, record));
  return record;
}

}  // namespace

std::string to_document(const Action& action) { return serialise<stored::Action>(action); }
std::string to_document(const Package& package) { return serialise<stored::Package>(package); }
std::string to_document(const Trigger& trigger) { return serialise<stored::Trigger>(trigger); }
std::string to_document(const Rule& rule) { return serialise<stored::Rule>(rule); }
std::string to_document(const Key& key) { return serialise<stored::Key>(key); }
std::string to_document(const Token& token) { return serialise<stored::Token>(token); }
std::string to_document(const Drain& drain) { return serialise<stored::Drain>(drain); }
std::string to_document(const FlareRecord& flare) { return serialise<stored::Flare>(flare); }
std::string to_document(const OpenFlare& open) { return serialise<stored::OpenFlare>(open); }

template <>
Result<Action> from_document(std::string_view bytes) {
  return parse<stored::Action, Action>(bytes);
}
template <>
Result<Package> from_document(std::string_view bytes) {
  return parse<stored::Package, Package>(bytes);
}
template <>
Result<Trigger> from_document(std::string_view bytes) {
  return parse<stored::Trigger, Trigger>(bytes);
}
template <>
Result<Rule> from_document(std::string_view bytes) {
  return parse<stored::Rule, Rule>(bytes);
}
template <>
Result<Key> from_document(std::string_view bytes) {
  return parse<stored::Key, Key>(bytes);
}
template <>
Result<Token> from_document(std::string_view bytes) {
  return parse<stored::Token, Token>(bytes);
}
template <>
Result<Drain> from_document(std::string_view bytes) {
  return parse<stored::Drain, Drain>(bytes);
}
template <>
Result<FlareRecord> from_document(std::string_view bytes) {
  auto flare = parse<stored::Flare, FlareRecord>(bytes);
  if (flare && !has_ended(flare->state)) return damaged(FlareRecord::kNoun);
  return flare;
}
template <>
Result<OpenFlare> from_document(std::string_view bytes) {
  return parse<stored::OpenFlare, OpenFlare>(bytes);
}

}  // namespace gust::store
