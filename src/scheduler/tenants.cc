#include "scheduler/tenants.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace gust::scheduler {

Tenants::Tenants(const std::map<std::string, Share, std::less<>>& shares, std::chrono::microseconds half_life)
    : shares_(shares), half_life_(static_cast<double>(std::max<std::int64_t>(half_life.count(), 1))) {}

Tenant& Tenants::of(std::string_view name) {
  const auto known = tenants_.find(name);
  if (known != tenants_.end()) return known->second;
  Tenant& tenant = tenants_[std::string(name)];
  tenant.name = name;
  if (const auto share = shares_.find(name); share != shares_.end()) tenant.share = share->second;
  return tenant;
}

void Tenants::take(Tenant& tenant, std::uint64_t slots, Moment now) {
  count(tenant, now);
  tenant.held += slots;
}

void Tenants::give(Tenant& tenant, std::uint64_t slots, Moment now) {
  GUST_CHECK(slots <= tenant.held, "a namespace gives back what it holds");
  count(tenant, now);
  tenant.held -= slots;
}

double Tenants::burden(const Tenant& tenant, std::uint64_t more, Moment now) const {
  const auto held = static_cast<double>(tenant.held + more);
  return std::log2((1 + held + past(tenant, now)) / static_cast<double>(std::max(tenant.share.weight, 1U)));
}

/// Towards what is held now, by half of the difference in each half-life.
double Tenants::past(const Tenant& tenant, Moment now) const {
  const auto passed = static_cast<double>((now - tenant.counted).count());
  const auto held = static_cast<double>(tenant.held);
  if (passed <= 0 || tenant.past == held) return tenant.past;
  return held + (tenant.past - held) * std::exp2(-passed / half_life_);
}

void Tenants::count(Tenant& tenant, Moment now) const {
  if (now <= tenant.counted) return;
  tenant.past = past(tenant, now);
  tenant.counted = now;
}

}  // namespace gust::scheduler
