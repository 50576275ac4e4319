// What people are told of the cluster.
#pragma once

#include <chrono>
#include <vector>

#include "controller/controller.h"
#include "controller/invokers.h"
#include "scheduler/journal.h"

namespace gust::controller {

/// By their ids. Of an invoker that gets no packs yet nothing is free.
std::vector<InvokerStatus> invoker_statuses(InvokerTable& invokers, const scheduler::Journal& scheduler);

}  // namespace gust::controller
