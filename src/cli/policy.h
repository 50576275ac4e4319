// The rules of admission as the configuration gives them.
#pragma once

#include "base/config.h"
#include "scheduler/policy.h"

namespace gust::cli {

inline scheduler::Policy policy_of(const Config& config) {
  scheduler::Policy policy;
  policy.queue_limit = config.queue_limit;
  policy.ageing = config.ageing;
  policy.half_life = config.half_life;
  for (const auto& [name, quota] : config.quotas) policy.shares[name].quota = quota;
  for (const auto& [name, weight] : config.weights) policy.shares[name].weight = weight;
  return policy;
}

}  // namespace gust::cli
