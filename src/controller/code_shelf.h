// Which packages an invoker has, and which of them it drops for another to fit. A state machine without I/O.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"

namespace gust::controller {

/// The controller decides what an invoker drops: only so does it know, when it orders a start, what is there. One
/// thread at a time.
class CodeShelf {
 public:
  /// 0 for any size.
  explicit CodeShelf(Bytes limit = {}) : limit_(limit) {}

  /// Whether it is there; then it is the last one to be dropped.
  [[nodiscard]] bool use(const std::string& digest);
  /// Adds a package that is not there. Gives those to be dropped first, the one that was used longest ago first; what
  /// is in use stays, also where that exceeds the limit.
  [[nodiscard]] std::vector<std::string> add(const std::string& digest, Bytes size,
                                             const std::function<bool(const std::string&)>& in_use);

  [[nodiscard]] Bytes size() const { return size_; }

 private:
  struct Package {
    std::string digest;
    Bytes size;
  };
  Bytes limit_;
  Bytes size_;
  std::list<Package> packages_;  // the one that was used last in front
  std::unordered_map<std::string, std::list<Package>::iterator> by_digest_;
};

}  // namespace gust::controller
