#include "controller/active_flares.h"

#include <algorithm>
#include <utility>

namespace gust::controller {

ActiveFlare& ActiveFlares::add(std::unique_ptr<ActiveFlare> flare) {
  const FlareId id = flare->flare.id();
  return *flares_.emplace(id, std::move(flare)).first->second;
}

ActiveFlare* ActiveFlares::find(const FlareId& id) {
  const auto found = flares_.find(id);
  return found == flares_.end() ? nullptr : found->second.get();
}

ActiveFlare* ActiveFlares::find(const FlareId& id, std::string_view namespace_name) {
  ActiveFlare* found = find(id);
  return found != nullptr && found->flare.record().namespace_name == namespace_name ? found : nullptr;
}

ActiveFlare* ActiveFlares::find(const ActivationId& id, std::string_view namespace_name) {
  // A flare's first activation, often its only one, bears its id.
  if (ActiveFlare* own = find(FlareId(id.str()), namespace_name)) return own;
  for (const auto& [flare_id, active] : flares_) {
    const store::FlareRecord& record = active->flare.record();
    if (record.namespace_name != namespace_name) continue;
    if (std::ranges::count(record.activations, id, &store::ActivationRecord::id) > 0) return active.get();
  }
  return nullptr;
}

ActiveFlare* ActiveFlares::find_run(const FlareId& run) {
  const auto again = runs_.empty() ? runs_.end() : runs_.find(run);
  ActiveFlare* found = find(again == runs_.end() ? run : again->second);
  return found != nullptr && found->flare.run() == run ? found : nullptr;
}

std::unique_ptr<ActiveFlare> ActiveFlares::take(const FlareId& id) {
  auto node = flares_.extract(id);
  if (!runs_.empty()) std::erase_if(runs_, [&](const auto& run) { return run.second == id; });
  return node.empty() ? nullptr : std::move(node.mapped());
}

std::vector<FlareId> ActiveFlares::ids() const {
  std::vector<FlareId> ids;
  ids.reserve(flares_.size());
  for (const auto& [id, flare] : flares_) ids.push_back(id);
  return ids;
}

}  // namespace gust::controller
