#include "pack/worker_group.h"

#include <poll.h>
#include <unistd.h>

#include <array>

#include "pack/run.h"

namespace gust::pack {

void wait_for_events(WorkerGroup& group, int invoker_socket) {
  std::array<pollfd, 2> entries = {pollfd{.fd = invoker_socket, .events = 0, .revents = 0},
                                   pollfd{.fd = group.event_fd(), .events = POLLIN, .revents = 0}};
  ::poll(entries.data(), entries.size(), -1);
  if (entries[0].revents != 0) ::_exit(kExitFailed);
  group.take_events();
}

}  // namespace gust::pack
