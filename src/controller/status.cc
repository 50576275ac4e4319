#include "controller/status.h"

#include <sys/resource.h>

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

std::chrono::microseconds process_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto micros = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

}  // namespace gust::controller
