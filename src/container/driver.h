// A container driver creates, watches and ends the containers that packs run in. There are several (process, sandbox,
// oci); all pass the same conformance test (driver_conformance_test.cc).
//
// A container runs one `gust-pack`, with its end of the pack's socket as file descriptor 3 and its standard output and
// error on pipes. It dies with the invoker, however the invoker dies.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace gust::container {

/// Names a container in its driver, chosen by the caller, never used twice.
using ContainerId = std::uint64_t;

struct Limits {
  Bytes memory;  ///< 0 for none. Of the container, or where a driver cannot (notice()) of each of its processes
  std::uint32_t open_files = 1024;
  /// Threads to come: their stacks are not counted as memory, nor they themselves as processes.
  std::uint32_t workers = 1;
  std::uint32_t processes = 256;    ///< at once, threads that user code starts among them; 0 for none
  Bytes tmp{};                      ///< files in /tmp; 0 for as much as `memory`, of which they are a part
  std::uint32_t cpu_percent = 100;  ///< share of the processors for each worker: 100 is that of an ordinary process
};

struct Spec {
  ContainerId id = 0;
  Limits limits;
  std::string image;                     ///< a name in the image store; empty for the host's own programs
  bool python = false;                   ///< a pre-warmed one with an interpreter is of more use than others
  std::vector<std::string> environment;  ///< NAME=value; the image's own is added
  UniqueFd socket;                       ///< becomes file descriptor 3
  UniqueFd standard_output;
  UniqueFd standard_error;
};

/// The container's process exists. `at` is taken by the launcher just after its creation.
struct Launched {
  ContainerId id = 0;
  std::int64_t pid = 0;
  WallTime at;
  bool prewarmed = false;  ///< it existed before, and was claimed then
};

/// The container is gone, with everything in it, or could not be created, which may turn out after it was launched.
struct Exited {
  ContainerId id = 0;
  int wait_status = 0;  ///< as from waitpid(2); meaningless when `failure` is set
  WallTime at;
  std::uint64_t cpu_us = 0;  ///< user and system time of the process
  Bytes peak_memory;
  std::string failure;         ///< why it could not be created; empty when it ran
  bool out_of_memory = false;  ///< the kernel ended it because it was at its limit of memory
};

/// Called on the thread that runs Driver::read_events.
struct Events {
  std::function<void(const Launched&)> launched;
  std::function<void(const Exited&)> exited;
  /// So many containers wait ready, whenever that changed. May be empty.
  std::function<void(std::uint32_t ready)> prewarmed{};
};

/// Only on one thread, the invoker's.
class Driver {
 public:
  virtual ~Driver() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// What this driver does not protect against, for the operator: one sentence, or empty.
  [[nodiscard]] virtual std::string_view notice() const = 0;
  /// The path at which containers see a file of DriverOptions::code_dir.
  [[nodiscard]] virtual std::string path_inside(const std::string& path) const { return path; }
  /// Creates all of them, in this order, without waiting; the outcome of each comes as an event.
  virtual Result<void> start(std::vector<Spec> specs) = 0;
  /// SIGKILL to everything in the container; its Exited event follows. Unknown ids are ignored: it may be gone.
  virtual void kill(ContainerId id) = 0;
  /// Readable when there are events to read.
  [[nodiscard]] virtual int event_fd() const = 0;
  /// Delivers what has happened, without blocking. kUnavailable when the driver itself is lost, and its containers with
  /// it.
  virtual Result<void> read_events(const Events& events) = 0;
};

}  // namespace gust::container
