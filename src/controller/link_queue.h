// What waits to be written on an invoker's stream, and in which order it goes.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "controller/orders.h"

namespace gust::controller {

/// Packages are large, and what is told meanwhile need not wait for them: it overtakes their pieces, but for the starts
/// that need such a package, and what concerns flares that have not been started because of that. Otherwise first come,
/// first served. One thread at a time.
class LinkQueue {
 public:
  void push(MessagePtr message);
  [[nodiscard]] bool empty() const { return first_.empty() && behind_.empty(); }
  /// The next one. Requires that there is one.
  [[nodiscard]] MessagePtr pop();
  void clear();

 private:
  [[nodiscard]] bool must_wait(const protocol::ControllerMessage& message) const;

  std::deque<MessagePtr> first_;
  std::deque<MessagePtr> behind_;                        // pieces of packages, and what may not overtake them
  std::unordered_map<std::string, std::size_t> pieces_;  // in behind_, by their digests
  std::unordered_set<std::string> starts_;               // in behind_, by their flares
};

}  // namespace gust::controller
