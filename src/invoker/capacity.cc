#include "invoker/capacity.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

namespace gust::invoker {

namespace {

// The limit in a file of the control group that this process sees as its root; nothing when there is none.
std::optional<std::string> group_limit(const char* file) {
  std::ifstream input(std::string("/sys/fs/cgroup/") + file);
  std::string text;
  if (!(input >> text) || text == "max") return std::nullopt;
  return text;
}

std::optional<double> processor_quota() {
  std::ifstream input("/sys/fs/cgroup/cpu.max");
  double quota = 0;
  double period = 0;
  if (!(input >> quota >> period) || period <= 0) return std::nullopt;
  return quota / period;
}

}  // namespace

std::uint32_t detect_slots() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::uint32_t slots = 1;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) slots = static_cast<std::uint32_t>(CPU_COUNT(&allowed));
  if (const auto quota = processor_quota()) slots = std::min(slots, static_cast<std::uint32_t>(*quota + 0.5));
  return std::max(slots, 1U);
}

Bytes detect_memory() {
  Bytes memory;
  std::ifstream input("/proc/meminfo");
  std::string key;
  std::uint64_t kilobytes = 0;
  std::string unit;
  while (input >> key >> kilobytes >> unit) {
    if (key == "MemAvailable:") memory = Bytes(kilobytes << 10);
  }
  if (const auto limit = group_limit("memory.max")) {
    memory = std::min(memory, parse_bytes(*limit).value_or(memory));
  }
  return memory;
}

}  // namespace gust::invoker
