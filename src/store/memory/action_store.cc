#include "store/memory/action_store.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace gust::store {

namespace {

std::string next_version(const std::string& version) {
  const std::size_t dot = version.rfind('.');
  const std::size_t start = dot == std::string::npos ? 0 : dot + 1;
  std::uint64_t number = 0;
  std::from_chars(version.data() + start, version.data() + version.size(), number);
  return fmt::format("{}{}", version.substr(0, start), number + 1);
}

std::unexpected<Error> no_such_action(std::string_view namespace_name, std::string_view path) {
  return fail(ErrorCode::kNotFound, fmt::format("there is no action {} in namespace {}", path, namespace_name));
}

}  // namespace

Result<ActionPtr> MemoryActionStore::put(Action action, Overwrite overwrite) {
  ActionPtr replaced;  // freed, with its code, after the lock is gone
  const MutexLock lock(mutex_);
  ByPath& actions = namespaces_[action.namespace_name];
  ActionPtr& slot = actions[action.path()];
  if (slot) {
    if (overwrite == Overwrite::kNo) return fail(ErrorCode::kExists, "resource already exists");
    action.version = next_version(slot->version);
  }
  // "Newest first" must hold for two updates in one microsecond, and when the wall clock is set back.
  last_update_ = std::max(wall_now(), last_update_ + std::chrono::microseconds(1));
  action.updated = last_update_;
  replaced = std::exchange(slot, std::make_shared<const Action>(std::move(action)));
  return slot;
}

Result<ActionPtr> MemoryActionStore::get(std::string_view namespace_name, std::string_view path) const {
  const MutexLock lock(mutex_);
  if (const auto actions = namespaces_.find(namespace_name); actions != namespaces_.end()) {
    if (const auto found = actions->second.find(path); found != actions->second.end()) return found->second;
  }
  return no_such_action(namespace_name, path);
}

Result<ActionPtr> MemoryActionStore::remove(std::string_view namespace_name, std::string_view path) {
  const MutexLock lock(mutex_);
  if (const auto actions = namespaces_.find(namespace_name); actions != namespaces_.end()) {
    if (const auto found = actions->second.find(path); found != actions->second.end()) {
      ActionPtr removed = std::move(found->second);
      actions->second.erase(found);
      return removed;
    }
  }
  return no_such_action(namespace_name, path);
}

std::vector<ActionPtr> MemoryActionStore::list(std::string_view namespace_name) const {
  std::vector<ActionPtr> actions;
  {
    const MutexLock lock(mutex_);
    const auto found = namespaces_.find(namespace_name);
    if (found == namespaces_.end()) return actions;
    actions.reserve(found->second.size());
    for (const auto& [path, action] : found->second) actions.push_back(action);
  }
  std::ranges::sort(actions, std::ranges::greater(), [](const ActionPtr& action) { return action->updated; });
  return actions;
}

}  // namespace gust::store
