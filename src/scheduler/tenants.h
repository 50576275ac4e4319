// Who uses the cluster how much: the slots that each namespace holds, and the memory of those that it held.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "scheduler/policy.h"

namespace gust::scheduler {

/// One namespace. Its address stays the same.
struct Tenant {
  std::string name;
  Share share;
  std::uint64_t held = 0;  ///< slots, now
  double past = 0;         ///< decaying average of the slots held before, as of `counted`
  Moment counted{0};

  [[nodiscard]] bool has_room(std::uint64_t slots) const { return slots <= share.quota && held <= share.quota - slots; }
};

/// Thread rule: one thread at a time; the owner's strand.
class Tenants {
 public:
  Tenants(const std::map<std::string, Share, std::less<>>& shares, std::chrono::microseconds half_life);

  /// Made when it is first asked for, and kept: there are as many as there are keys.
  Tenant& of(std::string_view name);

  void take(Tenant& tenant, std::uint64_t slots, Moment now);
  void give(Tenant& tenant, std::uint64_t slots, Moment now);

  /// log2 of the use for each unit of weight, if it held `more` slots than it does. Use is the slots held now and the
  /// average of those held before, plus 1, so that who uses nothing is ahead of others by a bounded amount.
  [[nodiscard]] double burden(const Tenant& tenant, std::uint64_t more, Moment now) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  [[nodiscard]] double past(const Tenant& tenant, Moment now) const;
  void count(Tenant& tenant, Moment now) const;

  std::map<std::string, Share, std::less<>> shares_;
  double half_life_;
  std::unordered_map<std::string, Tenant, Hash, std::equal_to<>> tenants_;
};

}  // namespace gust::scheduler
