#include "controller/recovery.h"

#include <algorithm>

namespace gust::controller {

using store::PackState;

Recovery::Recovery(ActiveFlares& flares) : flares_(flares) {
  for (const FlareId& id : flares_.ids()) {
    const store::FlareRecord& record = flares_.find(id)->flare.record();
    for (const store::PackRecord& pack : record.packs) awaited_.insert(pack.invoker_name);
    if (record.state == store::FlareState::kQueued) held_.push_back(id);
  }
  std::ranges::sort(held_, {}, [&](const FlareId& id) { return flares_.find(id)->flare.record().stamps.received; });
  settled_ = held_.empty();
}

Recovery::Reunion Recovery::attach(Invoker& invoker, WallTime now) {
  Reunion reunion;
  const std::string& name = invoker.hello.name();
  awaited_.erase(name);
  for (const protocol::KeptFlare& kept : invoker.hello.kept()) {
    ActiveFlare* active = flares_.find_run(FlareId(kept.flare_id()));
    if (active == nullptr) continue;
    Flare& flare = active->flare;
    if (const auto held = std::ranges::find(held_, flare.id()); held != held_.end()) {
      if (!flare.find_started(kept.pack_first_worker(), now)) continue;
      held_.erase(held);
      unknown_packs_ += flare.record().packs.size();
      reunion.found.push_back(flare.id());
    }
    for (const std::uint32_t pack : kept.pack_ids()) {
      if (pack >= flare.record().packs.size()) continue;
      const store::PackRecord& record = flare.record().packs[pack];
      if (record.state == PackState::kEnded || (!record.invoker_name.empty() && record.invoker_name != name)) continue;
      if (record.invoker_name.empty()) --unknown_packs_;
      flare.attach_pack(PackId(pack), invoker.id, name);
      invoker.packs.emplace(flare.run(), PackId(pack));
    }
    for (const std::uint32_t pack : kept.ended_pack_ids()) over_.emplace(flare.run(), PackId(pack));
  }
  for (const FlareId& id : flares_.ids()) {
    const Flare& flare = flares_.find(id)->flare;
    const auto& packs = flare.record().packs;
    for (std::uint32_t i = 0; i < packs.size(); ++i) {
      if (packs[i].invoker_name != name || packs[i].state == PackState::kEnded) continue;
      if (!invoker.packs.contains({flare.run(), PackId(i)})) reunion.lost.emplace_back(flare.run(), PackId(i));
    }
  }
  return reunion;
}

Packs Recovery::stop_waiting() {
  Packs lost;
  for (const FlareId& id : flares_.ids()) {
    const Flare& flare = flares_.find(id)->flare;
    const auto& packs = flare.record().packs;
    for (std::uint32_t i = 0; i < packs.size(); ++i) {
      const std::string& name = packs[i].invoker_name;
      if (name.empty() || awaited_.contains(name)) lost.emplace_back(flare.run(), PackId(i));
    }
  }
  awaited_.clear();
  unknown_packs_ = 0;
  settled_ = true;
  return lost;
}

}  // namespace gust::controller
