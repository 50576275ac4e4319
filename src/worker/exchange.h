// What the workers of a pack communicate with.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "message/collectives.h"
#include "message/hub.h"

namespace gust::worker {

/// Memory that all workers of a pack share, by key; there until the pack ends. Thread-safe.
class SharedMemory {
 public:
  SharedMemory() = default;
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  /// `size` bytes, zero when first asked for. kInvalid for another size than before; kTooLarge when there is no memory.
  Result<void*> get(std::string_view key, std::size_t size);

 private:
  struct Area {
    void* memory = nullptr;
    std::size_t size = 0;
    std::size_t mapped = 0;
  };
  Mutex mutex_;
  std::map<std::string, Area, std::less<>> areas_ GUST_GUARDED_BY(mutex_);
};

/// One for each pack. Thread-safe.
struct Exchange {
  /// `flare_deadline` is that of calls without a limit of their own.
  Exchange(message::Layout layout, message::TransportFactory factory, SteadyTime flare_deadline,
           const message::HubOptions& options = {})
      : hub(std::move(layout), options, std::move(factory)), collectives(hub), deadline(flare_deadline) {}

  message::Hub hub;
  message::Collectives collectives;
  SharedMemory shared;
  const SteadyTime deadline;
  std::function<void(WorkerId)> helper_begins;  ///< called first on each thread that runs calls for a worker
};

}  // namespace gust::worker
