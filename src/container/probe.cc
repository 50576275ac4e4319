#include "container/probe.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace gust::container {
namespace {

constexpr std::chrono::seconds kPatience{10};

/// A pack whose invoker is gone already: it ends at once.
Result<Spec> idle_spec() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socketpair", errno);
  const UniqueFd ours(ends[0]);
  Spec spec;
  spec.id = 1;
  spec.limits.memory = Bytes::mb(64);
  spec.environment = {"PATH=/usr/bin:/bin", "HOME=/tmp"};
  spec.socket.reset(ends[1]);
  spec.standard_output.reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  spec.standard_error.reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  return spec;
}

}  // namespace

Result<Probe> try_driver(std::string_view name, const DriverOptions& options) {
  const std::unique_ptr<Driver> driver = GUST_TRY(make_driver(name, options));
  std::vector<Spec> specs;
  specs.push_back(GUST_TRY(idle_spec()));
  const auto began = std::chrono::steady_clock::now();
  GUST_TRY_VOID(driver->start(std::move(specs)));
  Probe probe{.notice = std::string(driver->notice())};
  std::optional<Exited> end;
  const Events events{.launched =
                          [&](const Launched& /*launched*/) {
                            probe.start =
                                std::chrono::ceil<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
                          },
                      .exited = [&](const Exited& exited) { end = exited; }};
  while (!end) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(began + kPatience - std::chrono::steady_clock::now());
    pollfd readable{driver->event_fd(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&readable, 1, static_cast<int>(left.count())) <= 0) {
      return fail(ErrorCode::kTimedOut, "a container did not start and end within 10 s; is the machine overloaded?");
    }
    GUST_TRY_VOID(driver->read_events(events));
  }
  if (!end->failure.empty()) return fail(ErrorCode::kInternal, end->failure);
  return probe;
}

}  // namespace gust::container
