// The drivers `process` and `sandbox`. Both have their containers created by gust-launcher, which is small and has one
// thread, so that the invoker's memory and descriptors have no part in it. In `process` a container is a process group
// of the invoker's user, with a working directory and resource limits of its own; in `sandbox` it is isolated.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "container/client/launcher_process.h"
#include "container/client/outbox.h"
#include "container/driver.h"
#include "container/launcher/launcher.h"
#include "container/make_driver.h"

namespace gust::container {

class LauncherDriver final : public Driver {
 public:
  /// As make_driver(), with complete options. All containers have `image`; null for the host's own programs.
  static Result<std::unique_ptr<Driver>> create(Isolation isolation, const DriverOptions& options,
                                                const Image* image = nullptr);
  /// For create(): a launcher that is ready, and an epoll(7) that watches its socket for reading.
  LauncherDriver(Isolation isolation, const DriverOptions& options, LauncherProcess launcher, UniqueFd poller);
  /// Ends all containers, and waits for that.
  ~LauncherDriver() override;

  [[nodiscard]] std::string_view name() const override;
  [[nodiscard]] std::string_view notice() const override { return notice_; }
  [[nodiscard]] std::string path_inside(const std::string& path) const override;
  Result<void> start(std::vector<Spec> specs) override;
  void kill(ContainerId id) override;
  [[nodiscard]] int event_fd() const override { return poller_.get(); }
  Result<void> read_events(const Events& events) override;

 private:
  enum class Watch { kRead, kReadAndWrite };

  void flush();
  void deliver(const EventEntry& entry, const Events& events);
  std::unexpected<Error> lose();
  [[nodiscard]] std::unexpected<Error> lost() const;

  Isolation isolation_;
  DriverOptions options_;
  LauncherProcess launcher_;
  UniqueFd poller_;  ///< epoll(7) with the launcher's socket, so that one descriptor tells of reading and writing
  Watch watch_ = Watch::kRead;
  Outbox outbox_;
  std::vector<char> buffer_;
  std::unordered_map<ContainerId, pid_t> running_;
  std::string notice_;
  std::string loss_;  ///< how the launcher ended, when it did
};

}  // namespace gust::container
