#include "openwhisk/render.h"

namespace gust::openwhisk {

namespace {

Json invoker_json(const controller::InvokerStatus& invoker) {
  Json json = {{"id", invoker.id.value()},
               {"name", invoker.name},
               {"driver", invoker.driver},
               {"pid", invoker.pid},
               {"slots", invoker.slots},
               {"free_slots", invoker.free_slots},
               {"memory_bytes", invoker.memory.count()},
               {"free_memory_bytes", invoker.free_memory.count()},
               {"packs", invoker.packs},
               {"prewarmed", invoker.prewarmed},
               {"drained", invoker.drained},
               {"joined", to_seconds(invoker.joined)}};
  if (invoker.certificate_ends) json["certificate_ends"] = to_seconds(*invoker.certificate_ends);
  return json;
}

}  // namespace

std::string render_invoker(const controller::InvokerStatus& invoker) { return dump_json(invoker_json(invoker)); }

std::string render_status(const controller::Status& status, const std::string& version) {
  Json invokers = Json::array();
  std::uint64_t slots = 0;
  std::uint64_t free_slots = 0;
  std::uint64_t packs = 0;
  std::uint64_t prewarmed = 0;
  Bytes memory;
  Bytes free_memory;
  for (const controller::InvokerStatus& invoker : status.invokers) {
    invokers.push_back(invoker_json(invoker));
    slots += invoker.slots;
    free_slots += invoker.free_slots;
    packs += invoker.packs;
    prewarmed += invoker.prewarmed;
    memory += invoker.memory;
    free_memory += invoker.free_memory;
  }
  return dump_json({{"version", version},
                    {"controller", {{"cpu_microseconds", status.cpu.count()}}},
                    {"flares", {{"active", status.active_flares}, {"queued", status.queued_flares}}},
                    {"totals",
                     {{"invokers", status.invokers.size()},
                      {"slots", slots},
                      {"free_slots", free_slots},
                      {"memory_bytes", memory.count()},
                      {"free_memory_bytes", free_memory.count()},
                      {"packs", packs},
                      {"prewarmed", prewarmed}}},
                    {"invokers", std::move(invokers)}});
}

}  // namespace gust::openwhisk
