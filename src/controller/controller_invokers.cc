#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <spdlog/spdlog.h>
#include <utility>

#include "base/check.h"
#include "controller/controller_impl.h"
#include "controller/orders.h"

namespace gust::controller {

using store::FlareState;

namespace {

// That is still of interest: what an invoker lost with an earlier stream is not its any more.
bool has_pack_on(const store::FlareRecord& flare, InvokerId invoker) {
  return std::ranges::any_of(flare.packs, [&](const store::PackRecord& pack) {
    return pack.invoker == invoker && pack.cause != store::PackCause::kInvokerLost;
  });
}

}  // namespace

void ControllerImpl::join(const LinkPtr& link, protocol::Hello hello) {
  if (shutting_down_) return link->close({ErrorCode::kUnavailable, "the controller is shutting down"});
  if (const auto admitted = invokers_.admit(hello, link->peer()); !admitted) {
    spdlog::warn("refused: {}", admitted.error().message);
    return link->close(admitted.error());
  }
  if (Invoker* earlier = invokers_.find_earlier(hello)) lose_invoker(*earlier);
  Invoker& invoker = invokers_.add(link, std::move(hello), wall_now());
  if (link->peer()) invoker.certificate_ends = link->peer()->ends;
  auto message = std::make_shared<protocol::ControllerMessage>();
  message->mutable_welcome()->set_protocol_version(invoker.hello.protocol_version());
  message->mutable_welcome()->set_invoker_id(invoker.id.value());
  message->mutable_welcome()->set_heartbeat_ms(
      static_cast<std::uint32_t>(heartbeat_interval(options_.invoker_silence).count()));
  if (invoker.reattaches()) message->mutable_welcome()->set_state_name(keeper_.state_name());
  link->send(std::move(message));
  spdlog::info("invoker {} ({}) joined with {} slots, {}", invoker.id.value(), invoker.hello.name(),
               invoker.hello.slots(), to_string(Bytes(invoker.hello.memory_bytes())));
  const bool was_attaching = is_attaching();
  attach(invoker);
  if (is_attaching()) return;
  if (was_attaching) return plan_again();
  open_to_flares(invoker);
  submit_held(Patience::kMore);
  start_admitted();
}

void ControllerImpl::open_to_flares(const Invoker& invoker) {
  const auto added =
      scheduler_.add_invoker(invoker.id, invoker.hello.slots(), Bytes(invoker.hello.memory_bytes()), moment());
  GUST_CHECK(added.has_value(), "an invoker that was let in has a free id and slots");
  if (invoker.leaving || drains_.get({}, invoker.hello.name())) scheduler_.drain(invoker.id, moment());
}

// What it has kept of earlier streams goes on, is stopped, or is forgotten.
void ControllerImpl::attach(Invoker& invoker) {
  Recovery::Reunion reunion;
  if (is_attaching()) reunion = recovery_->attach(invoker, wall_now());
  for (const FlareId& id : reunion.found) {
    ActiveFlare& found = *active_.find(id);
    limit_time(found, found.flare.record().action->limits.timeout);
    keeper_.keep(found.flare);
  }
  std::vector<std::string> useless;
  for (const protocol::KeptFlare& kept : invoker.hello.kept()) {
    const FlareId run(kept.flare_id());
    const ActiveFlare* active = active_.find_run(run);
    if (active == nullptr || !has_pack_on(active->flare.record(), invoker.id)) {
      useless.push_back(run.str());
    } else if (active->flare.is_failing()) {
      invoker.link->send(stop_order(run, active->flare.record().cause->message));
    }
  }
  if (!useless.empty()) invoker.link->send(forget_order(useless));
  lose_packs(reunion.lost, fmt::format("invoker {} ({}) was started again", invoker.id.value(), invoker.hello.name()));
}

void ControllerImpl::let_go(Invoker& invoker) {
  spdlog::info("invoker {} ({}) ends when its {} packs have ended", invoker.id.value(), invoker.hello.name(),
               invoker.packs.size());
  invoker.leaving = true;
  scheduler_.drain(invoker.id, moment());
  if (invoker.packs.empty()) invoker.link->send(release_order());
  start_admitted();
}

void ControllerImpl::lose_invoker(Invoker& invoker) {
  const std::string why = fmt::format("invoker {} ({}) was lost", invoker.id.value(), invoker.hello.name());
  spdlog::warn("{}", why);
  metrics_.invoker_lost();
  const auto packs = std::move(invoker.packs);
  const LinkPtr link = invoker.link;
  const InvokerId id = invoker.id;
  invokers_.remove(id);
  link->close({ErrorCode::kUnavailable, "another connection of this invoker took over"});
  const scheduler::Loss loss = scheduler_.remove_invoker(id, moment());  // first: flares may start again elsewhere
  lose_packs({packs.begin(), packs.end()}, why);
  for (const scheduler::Refused& refused : loss.refused) {
    if (ActiveFlare* active = active_.find_run(refused.flare)) {
      active->flare.abort(FlareState::kFailed, refused.error, wall_now());
      end(FlareId(active->flare.id()));
    }
  }
  start_admitted();
}

void ControllerImpl::lose_packs(const Packs& packs, const std::string& why) {
  for (const auto& [run, pack] : packs) {
    ActiveFlare* active = active_.find_run(run);
    if (active == nullptr) continue;
    const bool was_failing = active->flare.is_failing();
    if (active->flare.lose_pack(pack, why, wall_now()) != Flare::Effect::kPackEnded) continue;
    if (!was_failing) stop_packs(active->flare);
    release_pack(*active, pack);
  }
}

void ControllerImpl::take_reports(const LinkPtr& link, const protocol::Reports& reports) {
  Invoker* invoker = invokers_.find(link);
  if (invoker == nullptr) return;
  if (reports.has_prewarmed()) invoker->prewarmed = reports.prewarmed();
  std::set<FlareId> concerned;
  for (const protocol::PackReport& report : reports.packs()) {
    take_report(invoker->id, report);
    if (!report.peer_address().empty() || report.has_ended()) concerned.insert(FlareId(report.flare_id()));
  }
  for (const FlareId& id : concerned) {
    ActiveFlare* active = is_attaching() ? nullptr : active_.find_run(id);
    if (active != nullptr) tell_peers(*active);
  }
  start_admitted();
}

void ControllerImpl::take_report(InvokerId from, const protocol::PackReport& report) {
  ActiveFlare* active = active_.find_run(FlareId(report.flare_id()));
  if (active == nullptr) return;
  const bool was_failing = active->flare.is_failing();
  const auto effect = active->flare.apply(from, report, wall_now());
  if (!effect) {
    spdlog::warn("report of invoker {} on flare {}: {}", from.value(), report.flare_id(), effect.error().message);
    return;
  }
  if (!was_failing && active->flare.is_failing()) stop_packs(active->flare);
  active->peers.take(report);
  if (*effect == Flare::Effect::kPackEnded) release_pack(*active, PackId(report.pack_id()));
}

void ControllerImpl::tell_peers(ActiveFlare& active) {
  const std::vector<protocol::Peer> news = active.peers.take_news();
  if (news.empty()) return;
  const MessagePtr order = peer_order(active.flare.run(), news);
  std::set<InvokerId> told;
  for (const store::PackRecord& pack : active.flare.record().packs) {
    if (pack.state == store::PackState::kEnded || !told.insert(pack.invoker).second) continue;
    if (Invoker* invoker = invokers_.find(pack.invoker)) invoker->link->send(order);
  }
}

}  // namespace gust::controller
