#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>

#include "worker/exchange.h"

namespace gust::worker {

SharedMemory::~SharedMemory() {
  const MutexLock lock(mutex_);
  for (const auto& [key, area] : areas_) ::munmap(area.memory, area.mapped);
}

Result<void*> SharedMemory::get(std::string_view key, std::size_t size) {
  const MutexLock lock(mutex_);
  if (const auto found = areas_.find(key); found != areas_.end()) {
    if (found->second.size == size) return found->second.memory;
    return fail(ErrorCode::kInvalid, "shared memory '" + std::string(key) + "' has " +
                                         std::to_string(found->second.size) + " bytes and was asked for with " +
                                         std::to_string(size));
  }
  // The kernel's pages are zero and aligned, and cost memory only when they are touched.
  const std::size_t mapped = std::max<std::size_t>(size, 1);
  void* memory = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return fail(ErrorCode::kTooLarge, "no memory for the " + std::to_string(size) + " bytes of shared memory '" +
                                          std::string(key) + "': " + std::strerror(errno));
  }
  areas_.emplace(key, Area{memory, size, mapped});
  return memory;
}

}  // namespace gust::worker
