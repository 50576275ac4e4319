#include "scheduler/journal.h"

#include <fmt/format.h>

#include "base/json.h"

namespace gust::scheduler {
namespace {

std::string text(std::string_view value) { return dump_json(Json(value)); }

/// Runs of packs of one size on one invoker as [invoker, workers, packs].
std::string plan_text(const packing::Plan& plan) {
  std::string result = "[";
  for (std::size_t i = 0; i < plan.size();) {
    std::size_t same = 1;
    while (i + same < plan.size() && plan[i + same].invoker == plan[i].invoker &&
           plan[i + same].workers.count == plan[i].workers.count) {
      ++same;
    }
    result += fmt::format("{}[{},{},{}]", i == 0 ? "" : ",", plan[i].invoker.value(), plan[i].workers.count, same);
    i += same;
  }
  return result + "]";
}

std::string_view name_of(packing::Strategy strategy) {
  switch (strategy) {
    case packing::Strategy::kHeterogeneous: return "heterogeneous";
    case packing::Strategy::kHomogeneous: return "homogeneous";
    case packing::Strategy::kMixed: return "mixed";
  }
  return "unknown";
}

std::optional<packing::Strategy> strategy_of(std::string_view name) {
  for (const auto strategy :
       {packing::Strategy::kHeterogeneous, packing::Strategy::kHomogeneous, packing::Strategy::kMixed}) {
    if (name_of(strategy) == name) return strategy;
  }
  return std::nullopt;
}

std::string policy_text(const Policy& policy) {
  std::string shares;
  for (const auto& [name, share] : policy.shares) {
    shares += fmt::format("{}{}:{{\"weight\":{},\"quota\":{}}}", shares.empty() ? "" : ",", text(name), share.weight,
                          share.quota);
  }
  return fmt::format(R"({{"policy":{{"queue_limit":{},"ageing_us":{},"half_life_us":{},"shares":{{{}}}}}}})",
                     policy.queue_limit, policy.ageing.count(), policy.half_life.count(), shares);
}

std::string job_text(const Job& job) {
  return fmt::format(
      R"("flare":"{}","namespace":{},"workers":{},"strategy":"{}","granularity":{},"memory":{},"limit_us":{},"priority":{})",
      job.flare.str(), text(job.namespace_name), job.demand.burst_size, name_of(job.demand.strategy),
      job.demand.granularity, job.demand.memory_per_pack.count(), job.time_limit.count(), job.priority);
}

std::string head_text(Moment now, std::string_view call) {
  return fmt::format(R"({{"t":{},"do":"{}")", now.count(), call);
}

std::string invoker_text(Moment now, std::string_view call, InvokerId invoker) {
  return fmt::format(R"({},"invoker":{}}})", head_text(now, call), invoker.value());
}

std::string flare_text(Moment now, std::string_view call, const FlareId& flare) {
  return fmt::format(R"({},"flare":"{}"}})", head_text(now, call), flare.str());
}

}  // namespace

void Journal::tell(Sink sink) {
  sink_ = std::move(sink);
  sink_(policy_text(policy_));
}

Result<void> Journal::add_invoker(InvokerId invoker, std::uint32_t slots, Bytes memory, Moment now) {
  auto added = scheduler_.add_invoker(invoker, slots, memory);
  if (sink_) {
    sink_(fmt::format(R"({},"invoker":{},"slots":{},"memory":{},"added":{}}})", head_text(now, "join"), invoker.value(),
                      slots, memory.count(), added.has_value()));
  }
  return added;
}

Loss Journal::remove_invoker(InvokerId invoker, Moment now) {
  auto loss = scheduler_.remove_invoker(invoker, now);
  if (sink_) {
    std::string broken;
    for (const auto& flare : loss.broken) broken += fmt::format("{}\"{}\"", broken.empty() ? "" : ",", flare.str());
    std::string refused;
    for (const auto& each : loss.refused) {
      refused += fmt::format("{}\"{}\"", refused.empty() ? "" : ",", each.flare.str());
    }
    sink_(fmt::format(R"({},"invoker":{},"broken":[{}],"refused":[{}]}})", head_text(now, "leave"), invoker.value(),
                      broken, refused));
  }
  return loss;
}

bool Journal::drain(InvokerId invoker, Moment now) {
  const bool known = scheduler_.drain(invoker);
  if (sink_) sink_(invoker_text(now, "drain", invoker));
  return known;
}

bool Journal::uncordon(InvokerId invoker, Moment now) {
  const bool known = scheduler_.uncordon(invoker);
  if (sink_) sink_(invoker_text(now, "uncordon", invoker));
  return known;
}

Result<Admission> Journal::submit(Job job, Moment now) {
  if (!sink_) return scheduler_.submit(std::move(job), now);
  std::string line = fmt::format("{},{}", head_text(now, "submit"), job_text(job));
  auto admission = scheduler_.submit(std::move(job), now);
  if (!admission) {
    line += fmt::format(R"(,"refused":"{}"}})", to_string(admission.error().code));
  } else if (*admission) {
    line += fmt::format(R"(,"plan":{}}})", plan_text(**admission));
  } else {
    line += R"(,"waits":true})";
  }
  sink_(line);
  return admission;
}

Result<void> Journal::adopt(const Job& job, const packing::Plan& plan, std::span<const PackId> over, Moment now) {
  auto adopted = scheduler_.adopt(job, plan, over, now);
  if (sink_) {
    std::string list;
    for (const PackId pack : over) list += fmt::format("{}{}", list.empty() ? "" : ",", pack.value());
    sink_(fmt::format(R"({},{},"plan":{},"over":[{}],"adopted":{}}})", head_text(now, "adopt"), job_text(job),
                      plan_text(plan), list, adopted.has_value()));
  }
  return adopted;
}

std::vector<Start> Journal::admit(Moment now) {
  auto starts = scheduler_.admit(now);
  if (sink_) {
    std::string list;
    for (const auto& start : starts) {
      list += fmt::format(R"({}{{"flare":"{}","plan":{}}})", list.empty() ? "" : ",", start.flare.str(),
                          plan_text(start.plan));
    }
    sink_(fmt::format(R"({},"starts":[{}]}})", head_text(now, "admit"), list));
  }
  return starts;
}

void Journal::release(const FlareId& flare, Moment now) {
  scheduler_.release(flare, now);
  if (sink_) sink_(flare_text(now, "release", flare));
}

void Journal::release_pack(const FlareId& flare, PackId pack, Moment now) {
  scheduler_.release_pack(flare, pack, now);
  if (sink_) {
    sink_(fmt::format(R"({},"flare":"{}","pack":{}}})", head_text(now, "release_pack"), flare.str(), pack.value()));
  }
}

bool Journal::cancel(const FlareId& flare, Moment now) {
  const bool was_queued = scheduler_.cancel(flare);
  if (sink_) {
    sink_(fmt::format(R"({},"flare":"{}","was_queued":{}}})", head_text(now, "cancel"), flare.str(), was_queued));
  }
  return was_queued;
}

namespace {

Policy policy_of(const Json& line) {
  const Json& json = line.at("policy");
  Policy policy;
  policy.queue_limit = json.at("queue_limit").get<std::size_t>();
  policy.ageing = std::chrono::microseconds(json.at("ageing_us").get<std::int64_t>());
  policy.half_life = std::chrono::microseconds(json.at("half_life_us").get<std::int64_t>());
  for (const auto& [name, share] : json.at("shares").items()) {
    policy.shares[name] = {.weight = share.at("weight").get<std::uint32_t>(),
                           .quota = share.at("quota").get<std::uint64_t>()};
  }
  return policy;
}

Job job_of(const Json& line) {
  return {.flare = FlareId(line.at("flare").get<std::string>()),
          .namespace_name = line.at("namespace").get<std::string>(),
          .demand = {.burst_size = line.at("workers").get<std::uint32_t>(),
                     .strategy = strategy_of(line.at("strategy").get<std::string>()).value(),
                     .granularity = line.at("granularity").get<std::uint32_t>(),
                     .memory_per_pack = Bytes(line.at("memory").get<std::uint64_t>())},
          .time_limit = std::chrono::microseconds(line.at("limit_us").get<std::int64_t>()),
          .priority = line.at("priority").get<Priority>()};
}

/// The reverse of plan_text().
packing::Plan plan_of(const Json& runs) {
  packing::Plan plan;
  std::uint32_t first = 0;
  for (const Json& run : runs) {
    const auto workers = run.at(1).get<std::uint32_t>();
    for (auto left = run.at(2).get<std::uint32_t>(); left > 0; --left, first += workers) {
      plan.push_back({.invoker = InvokerId(run.at(0).get<std::uint32_t>()), .workers = {WorkerId(first), workers}});
    }
  }
  return plan;
}

/// False for a call that there is not.
bool repeat(const Json& line, Journal& journal, Replayed& counts) {
  const auto now = Moment(line.at("t").get<std::int64_t>());
  const auto call = line.at("do").get<std::string>();
  const auto invoker = [&] { return InvokerId(line.at("invoker").get<std::uint32_t>()); };
  const auto flare = [&] { return FlareId(line.at("flare").get<std::string>()); };
  if (call == "submit") {
    const auto admission = journal.submit(job_of(line), now);
    counts.refused += admission ? 0 : 1;
    counts.starts += admission && *admission ? 1 : 0;
  } else if (call == "adopt") {
    std::vector<PackId> over;
    for (const Json& pack : line.at("over")) over.emplace_back(pack.get<std::uint32_t>());
    (void)journal.adopt(job_of(line), plan_of(line.at("plan")), over, now);
  } else if (call == "admit") {
    const auto starts = journal.admit(now).size();
    counts.starts += starts;
    counts.waited += starts;
  } else if (call == "release_pack") {
    journal.release_pack(flare(), PackId(line.at("pack").get<std::uint32_t>()), now);
  } else if (call == "release") {
    journal.release(flare(), now);
  } else if (call == "cancel") {
    journal.cancel(flare(), now);
  } else if (call == "join") {
    (void)journal.add_invoker(invoker(), line.at("slots").get<std::uint32_t>(),
                              Bytes(line.at("memory").get<std::uint64_t>()), now);
  } else if (call == "leave") {
    counts.refused += journal.remove_invoker(invoker(), now).refused.size();
  } else if (call == "drain") {
    journal.drain(invoker(), now);
  } else if (call == "uncordon") {
    journal.uncordon(invoker(), now);
  } else {
    return false;
  }
  return true;
}

}  // namespace

Result<Replayed> replay(std::istream& lines) {
  Replayed counts;
  std::optional<Journal> journal;
  std::string decided;
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    const auto wrong = [&](const std::string& what) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("line {} is not one of a record of decisions ({}); gust controller --record writes them",
                              number, what));
    };
    const auto json = parse_json(line, "it");
    if (!json) return wrong(json.error().message);
    try {
      if (!journal) {
        journal.emplace(policy_of(*json));
        journal->tell([&decided](std::string_view said) { decided = said; });
      } else if (repeat(*json, *journal, counts)) {
        ++counts.calls;
      } else {
        return wrong("an unknown call");
      }
    } catch (const std::exception& error) {
      return wrong(error.what());
    }
    if (decided != line) {
      return fail(ErrorCode::kInternal,
                  fmt::format("line {}: another decision than the recorded one\n  recorded: {}\n  now:      {}", number,
                              line, decided));
    }
  }
  if (!journal) return fail(ErrorCode::kInvalid, "the record of decisions is empty");
  return counts;
}

}  // namespace gust::scheduler
