#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "openwhisk/json_text.h"
#include "openwhisk/outcome.h"
#include "openwhisk/render.h"

namespace gust::openwhisk {

namespace {

using store::ActivationView;
using store::FlareRecord;
using store::PackRecord;
using store::WorkerRecord;
using store::WorkerState;

template <class Visit>
void for_each_pack(const ActivationView& view, Visit visit) {
  for (const PackRecord& pack : view.flare->packs) {
    if (view.activation().workers.contains(pack.workers.first)) visit(pack);
  }
}

struct Times {
  std::int64_t start = 0;  ///< milliseconds, as all of OpenWhisk's
  std::int64_t end = 0;
  std::int64_t wait = 0;
  std::optional<std::int64_t> init;
};

Times times_of(const ActivationView& view) {
  const FlareRecord& flare = *view.flare;
  const WallTime start = start_of(flare);
  WallTime end;
  const PackRecord* first = nullptr;
  for_each_pack(view, [&](const PackRecord& pack) {
    if (first == nullptr) first = &pack;
    end = std::max(end, pack.ended);
  });
  if (end == WallTime()) end = flare.stamps.ended;
  Times times;
  times.start = to_millis(start);
  times.end = std::max(to_millis(end), times.start);  // an invoker's clock may be behind the controller's
  times.wait = std::max<std::int64_t>(0, times.start - to_millis(flare.stamps.received));
  if (first != nullptr && first->received != WallTime() && first->loaded != WallTime()) {
    times.init = (to_micros(first->loaded) - to_micros(first->received)) / 1000;
  }
  return times;
}

void append_worker_result(JsonText& text, const WorkerRecord& worker, std::string_view cause) {
  switch (worker.state) {
    case WorkerState::kReturned: text.checked(worker.result); return;
    case WorkerState::kReturnedError: text.raw(R"({"error":)").string(worker.result).raw("}"); return;
    case WorkerState::kWaiting:
    case WorkerState::kRunning:
    case WorkerState::kLost: break;
  }
  text.raw(R"({"error":)").string(cause).raw("}");
}

std::string_view cause_of(const FlareRecord& flare) {
  return flare.cause ? std::string_view(flare.cause->message) : "the worker ended without a result";
}

std::string results_of(const FlareRecord& flare, WorkerRange range) {
  JsonText text(range.count * 32 + 2);
  text.raw("[");
  bool first = true;
  for (std::uint32_t id = range.first.value(); id < range.end(); ++id) {
    append_worker_result(text.next(first), flare.workers[id], cause_of(flare));
  }
  text.raw("]");
  return text.take();
}

void append_entity(JsonText& text, const FlareRecord& flare) {
  const store::Action& action = *flare.action;
  text.raw(R"({"namespace":)").string(flare.namespace_name).raw(R"(,"name":)").string(action.name);
  text.raw(R"(,"version":)").string(action.version);
}

/// From "activationId" to "duration".
void append_times(JsonText& text, const ActivationView& view, const Times& times) {
  text.raw(R"(,"activationId":)").string(view.activation().id.str());
  text.raw(R"(,"start":)").number(times.start).raw(R"(,"end":)").number(times.end);
  text.raw(R"(,"duration":)").number(times.end - times.start);
}

/// OpenWhisk's `cause` is the activation that this one belongs to: here the flare, for all but the one that bears its
/// id.
void append_cause(JsonText& text, const ActivationView& view) {
  if (view.activation().id.str() == view.flare->id.str()) return;
  text.raw(R"(,"cause":)").string(view.flare->id.str());
}

void append_annotations(JsonText& text, const FlareRecord& flare, const Times& times) {
  if (flare.invocation == store::Invocation::kTrigger) {
    text.raw(R"(,"annotations":[])");
    return;
  }
  const store::Action& action = *flare.action;
  text.raw(R"(,"annotations":[{"key":"path","value":)").string(action.namespace_name + "/" + action.path());
  text.raw(R"(},{"key":"kind","value":)").string(action.kind);
  text.raw(R"(},{"key":"limits","value":)").json(render_limits(action.limits));
  text.raw(R"(},{"key":"waitTime","value":)").number(times.wait).raw("}");
  if (times.init) text.raw(R"(,{"key":"initTime","value":)").number(*times.init).raw("}");
  text.raw("]");
}

std::string log_text(const store::LogLine& line) {
  const auto second = std::chrono::floor<std::chrono::seconds>(line.at);
  return fmt::format("{:%FT%T}.{:06}Z {}: {}", second, (line.at - second).count(), line.is_stderr ? "stderr" : "stdout",
                     line.text);
}

void append_logs(JsonText& text, const ActivationView& view) {
  text.raw("[");
  bool first = true;
  for_each_pack(view, [&](const PackRecord& pack) {
    for (const store::LogLine& line : pack.logs) {
      const bool trigger = view.flare->invocation == store::Invocation::kTrigger;  // OpenWhisk's clients parse it
      text.next(first).string(trigger ? line.text : log_text(line));
    }
  });
  text.raw("]");
}

}  // namespace

std::string result_of(const ActivationView& view) {
  const FlareRecord& flare = *view.flare;
  if (flare.state != store::FlareState::kSucceeded) {
    JsonText text;
    text.raw(R"({"error":)").string(cause_of(flare)).raw("}");
    return text.take();
  }
  const WorkerRange range = view.activation().workers;
  if (flare.invocation == store::Invocation::kBurst) return results_of(flare, range);
  JsonText text;
  const WorkerRecord& worker = flare.workers.at(range.first.value());
  if (flare.invocation == store::Invocation::kSingle && worker.state == WorkerState::kReturned &&
      !is_object_or_array(worker.result)) {
    constexpr std::size_t kLongestShown = 100;
    text.raw(R"({"error":)")
        .string(fmt::format("the action returned {}; an invocation's result must be an object or an array",
                            worker.result.empty() ? "nothing" : worker.result.substr(0, kLongestShown)))
        .raw("}");
    return text.take();
  }
  append_worker_result(text, worker, cause_of(flare));
  return text.take();
}

std::string render_results(const FlareRecord& flare) { return results_of(flare, {WorkerId(0), flare.burst_size}); }

std::string render_activation(const ActivationView& view) {
  const Times times = times_of(view);
  const Outcome outcome = outcome_of(view);
  const std::string result = result_of(view);
  JsonText text(result.size() + 1024);
  append_entity(text, *view.flare);
  text.raw(R"(,"subject":)").string(view.flare->namespace_name);
  append_times(text, view, times);
  append_cause(text, view);
  text.raw(R"(,"publish":false)");
  append_annotations(text, *view.flare, times);
  text.raw(R"(,"logs":)");
  append_logs(text, view);
  text.raw(R"(,"response":{"status":)").string(to_string(outcome));
  text.raw(R"(,"success":)").boolean(outcome == Outcome::kSuccess);
  text.raw(R"(,"result":)").raw(result).raw(R"(,"size":)").number(result.size()).raw("}}");
  return text.take();
}

std::string render_activation_brief(const ActivationView& view) {
  const Times times = times_of(view);
  JsonText text(512);
  append_entity(text, *view.flare);
  text.raw(R"(,"publish":false)");
  append_annotations(text, *view.flare, times);
  append_times(text, view, times);
  text.raw(R"(,"statusCode":)").number(static_cast<int>(outcome_of(view)));
  append_cause(text, view);
  text.raw("}");
  return text.take();
}

std::string render_logs(const ActivationView& view) {
  JsonText text;
  text.raw(R"({"logs":)");
  append_logs(text, view);
  text.raw("}");
  return text.take();
}

std::string render_log_page(const controller::LogPage& page) {
  JsonText text;
  text.raw(R"({"logs":[)");
  bool first = true;
  for (const store::LogLine& line : page.lines) text.next(first).string(log_text(line));
  text.raw(R"(],"next":)").number(page.next).raw(R"(,"ended":)").boolean(page.ended).raw("}");
  return text.take();
}

std::string render_result(const ActivationView& view) {
  const Outcome outcome = outcome_of(view);
  JsonText text;
  text.raw(R"({"result":)").raw(result_of(view)).raw(R"(,"success":)").boolean(outcome == Outcome::kSuccess);
  text.raw(R"(,"status":)").string(to_string(outcome)).raw("}");
  return text.take();
}

}  // namespace gust::openwhisk
