// The servers by way of which packs may talk: what is configured, and what flares leave there.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <thread>

#include "base/mutex.h"
#include "base/result.h"
#include "store/records.h"

namespace gust::controller {

/// Thread-safe.
class Backends {
 public:
  /// `uris` by setting ("redis"), those that are configured; `directory` is where the shared objects are.
  Backends(std::map<std::string, std::string, std::less<>> uris, std::string directory);
  /// Finishes what is to be removed; blocks for some seconds at most for each server that does not answer.
  ~Backends();
  Backends(const Backends&) = delete;
  Backends& operator=(const Backends&) = delete;

  /// The name under which the system knows what a client asked for: tcp for nothing, redis-list for redis. kInvalid
  /// for an unknown one, and for one whose server is not configured, naming the setting.
  [[nodiscard]] Result<std::string> choose(std::string_view wanted) const;
  /// Of its server, a secret; empty for tcp.
  [[nodiscard]] std::string uri(std::string_view backend) const;

  /// Removes what a flare that has ended left on its server, on a thread of its own. Failures are logged.
  void remove(const store::FlareRecord& flare);

 private:
  struct Left {
    std::string backend;
    std::string flare_id;
    std::uint32_t packs = 0;
  };
  void run();
  [[nodiscard]] Result<void> remove_now(const Left& left) const;

  const std::map<std::string, std::string, std::less<>> uris_;
  const std::string directory_;
  Mutex mutex_;
  CondVar news_;
  std::deque<Left> left_ GUST_GUARDED_BY(mutex_);
  bool ending_ GUST_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the rest; started with the first flare that needs it
};

}  // namespace gust::controller
