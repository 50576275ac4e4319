#include "protocol/control/library.h"

#include <absl/synchronization/mutex.h>
#include <grpc/grpc.h>

namespace gust::protocol {

void init_grpc() {
  // Debian builds it with its checks on: a graph of all locks, which is searched each time one is taken.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  grpc_init();
}

}  // namespace gust::protocol
