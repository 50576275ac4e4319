#include "controller/status.h"

namespace gust::controller {

std::vector<InvokerStatus> invoker_statuses(InvokerTable& invokers, const scheduler::Journal& scheduler) {
  std::vector<InvokerStatus> statuses;
  std::map<InvokerId, std::size_t> places;
  for (const auto& [id, invoker] : invokers.all()) {
    places[id] = statuses.size();
    statuses.push_back({.id = id,
                        .name = invoker.hello.name(),
                        .driver = invoker.hello.driver(),
                        .pid = invoker.hello.pid(),
                        .slots = invoker.hello.slots(),
                        .free_slots = 0,
                        .memory = Bytes(invoker.hello.memory_bytes()),
                        .free_memory = {},
                        .packs = static_cast<std::uint32_t>(invoker.packs.size()),
                        .prewarmed = invoker.prewarmed,
                        .drained = false,
                        .certificate_ends = invoker.certificate_ends,
                        .joined = invoker.joined});
  }
  for (std::size_t i = 0; i < scheduler.invokers().size(); ++i) {
    const packing::Capacity load = scheduler.load(i);
    InvokerStatus& status = statuses[places.at(load.invoker)];
    status.free_slots = load.free_slots;
    status.free_memory = load.free_memory;
    status.drained = scheduler.is_cordoned(i);
  }
  return statuses;
}

}  // namespace gust::controller
