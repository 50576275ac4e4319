// What tests and benchmarks of drivers share: a driver with a directory of its own, its containers' other ends, and
// waiting for events. Every wait has a deadline.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/fd.h"
#include "base/ids.h"
#include "base/program.h"
#include "container/driver.h"
#include "container/make_driver.h"

namespace gust::container::testing {

inline constexpr std::chrono::seconds kDeadline{30};

/// True when the process behind `pid_descriptor` (pidfd_open(2)) ended in time.
inline bool ends(const UniqueFd& pid_descriptor) {
  pollfd ended{pid_descriptor.get(), POLLIN, 0};
  return poll(&ended, 1, std::chrono::milliseconds(kDeadline).count()) == 1;
}

inline UniqueFd watch(std::int64_t pid) {
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
}

/// The gust-launcher that a container descends from; 0 when there is none. Not simply its parent: a process of crun's
/// may stand between them for a moment after crun itself has ended. A pack that is forked is called so for a moment.
inline pid_t launcher_of(std::int64_t container) {
  std::int64_t process = container;
  while (process > 1) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    std::string name;
    std::int64_t parent = 0;
    for (std::string key; parent == 0 && status >> key;) {
      if (key == "Name:") status >> name;
      if (key == "PPid:") status >> parent;
    }
    if (name == "gust-launcher" && process != container) return static_cast<pid_t>(process);
    process = parent;
  }
  return 0;
}

/// Our ends of what a container holds.
struct OtherEnds {
  UniqueFd socket;
  UniqueFd output;
  UniqueFd error;

  /// One packet, or nothing at the end.
  [[nodiscard]] std::string receive() const {
    pollfd readable{socket.get(), POLLIN, 0};
    std::string text(16 << 10, '\0');
    if (poll(&readable, 1, std::chrono::milliseconds(kDeadline).count()) != 1) return "timed out";
    const ssize_t size = recv(socket.get(), text.data(), text.size(), 0);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return text;
  }
  /// Of the process that sent one packet, as this process sees it; inside a container it may have another one.
  [[nodiscard]] pid_t receive_pid() const {
    pollfd readable{socket.get(), POLLIN, 0};
    if (poll(&readable, 1, std::chrono::milliseconds(kDeadline).count()) != 1) return -1;
    char text[16];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
    iovec part{text, sizeof text};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(socket.get(), &message, 0) <= 0) return -1;
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_type != SCM_CREDENTIALS) return -1;
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(header), sizeof sender);
    return sender.pid;
  }
  void send(const std::string& text) const { ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL); }
};

inline std::string read_all(const UniqueFd& descriptor) {
  std::string text;
  char part[512];
  for (ssize_t size = 0; (size = read(descriptor.get(), part, sizeof part)) > 0;) {
    text.append(part, static_cast<std::size_t>(size));
  }
  return text;
}

/// A container that does `what` (test_pack.cc).
inline std::pair<Spec, OtherEnds> make_spec(ContainerId id, const std::string& what, const std::string& argument = "") {
  int sockets[2];
  int output[2];
  int error[2];
  GUST_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0 && pipe2(output, O_CLOEXEC) == 0 &&
                 pipe2(error, O_CLOEXEC) == 0,
             "descriptors for a container");
  const int on = 1;
  setsockopt(sockets[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  Spec spec;
  spec.id = id;
  spec.environment = {"DO=" + what, "ARGUMENT=" + argument};
  spec.socket.reset(sockets[1]);
  spec.standard_output.reset(output[1]);
  spec.standard_error.reset(error[1]);
  return {std::move(spec), OtherEnds{UniqueFd(sockets[0]), UniqueFd(output[0]), UniqueFd(error[0])}};
}

/// In memory, where there is one: on a disk that others keep busy a working directory takes milliseconds.
inline std::filesystem::path fast_directory() {
  const std::filesystem::path in_memory = "/dev/shm";
  return access(in_memory.c_str(), W_OK) == 0 ? in_memory : std::filesystem::temp_directory_path();
}

/// Why there can be no sandboxes here; nothing when there can. Privileged tests are skipped then.
inline const std::string& sandbox_refusal() {
  static const std::string kRefusal = [] {
    if (geteuid() != 0) return std::string("needs root");
    DriverOptions options{.pack_binary = GUST_TEST_PACK, .launcher_binary = GUST_LAUNCHER, .state_dir = {}};
    options.state_dir = fast_directory() / ("gust-driver-" + random_hex_id());
    const auto driver = make_driver("sandbox", options);
    std::error_code ignored;
    std::filesystem::remove_all(options.state_dir, ignored);
    return driver || driver.error().code != ErrorCode::kDenied ? std::string() : driver.error().message;
  }();
  return kRefusal;
}

inline constexpr std::string_view kPrewarmed = " prewarmed";
/// Of a kind whose packs are executed instead of forked.
inline constexpr std::string_view kExecuted = " executed";
/// That a harness of a prewarmed kind keeps ready.
inline constexpr std::uint32_t kPrewarmedContainers = 3;
/// Of such a kind that has one container more, with an interpreter.
inline constexpr std::string_view kPython = " python";

/// The launcher that has this pack as a part; gust's own, which executes it, where there is none.
inline const char* launcher_for([[maybe_unused]] const std::string& pack_binary) {
#ifdef GUST_TEST_LAUNCHER
  if (pack_binary == GUST_TEST_PACK) return GUST_TEST_LAUNCHER;
  if (pack_binary == GUST_HOSTILE_PACK) return GUST_HOSTILE_LAUNCHER;
#endif
  return GUST_LAUNCHER;
}

/// Those that can work here, for parameters of tests: drivers whose packs are forked or executed, and drivers with
/// containers that were made ahead; a runtime's name stands for the oci driver with that.
inline std::vector<const char*> drivers_here() {
  std::vector<const char*> all{"process", "process executed", "process prewarmed"};
  if (!sandbox_refusal().empty()) return all;
  all.insert(all.end(), {"sandbox", "sandbox executed", "sandbox prewarmed"});
  for (const char* runtime : {"runc", "crun"}) {
    if (is_in_path(runtime)) all.push_back(runtime);
  }
  return all;
}

inline bool is_prewarmed(std::string_view kind) { return kind.ends_with(kPrewarmed); }
inline bool is_executed(std::string_view kind) { return kind.contains(kExecuted); }
inline std::string_view driver_name(std::string_view kind) { return kind.substr(0, kind.find(' ')); }
inline bool is_plain(std::string_view kind) { return driver_name(kind) == "process"; }
inline bool is_oci(std::string_view kind) { return kind == "runc" || kind == "crun"; }

/// Those whose packs are shut in; none where the machine forbids that.
inline std::vector<const char*> isolating_drivers() {
  std::vector<const char*> all = drivers_here();
  std::erase_if(all, [](std::string_view kind) { return is_plain(kind); });
  return all;
}

class Harness {
 public:
  /// `kind` as in drivers_here(). What is to be made ahead is ready afterwards.
  explicit Harness(std::string_view kind, const std::string& pack_binary = GUST_TEST_PACK,
                   Network network = Network::kHost)
      : directory_(fast_directory() / ("gust-driver-" + random_hex_id())) {
    std::filesystem::create_directory(directory_);
    options_ = {.pack_binary = pack_binary, .launcher_binary = launcher_for(pack_binary), .state_dir = directory_};
    options_.network = network;
    options_.image_dir = directory_ / "images";
    if (is_prewarmed(kind)) options_.prewarm.containers = kPrewarmedContainers;
    if (kind.contains(kPython)) options_.prewarm.interpreters = 1;
    Result<std::unique_ptr<Driver>> driver = make(kind, options_);
    GUST_CHECK(driver.has_value(), driver ? "" : driver.error().message.c_str());
    driver_ = *std::move(driver);
    const std::uint32_t ahead = options_.prewarm.containers + options_.prewarm.interpreters;
    if (ahead != 0) GUST_CHECK(wait_prewarmed(ahead), loss_.message.c_str());
  }
  ~Harness() {
    driver_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  /// As make_driver(), for a kind as in drivers_here().
  static Result<std::unique_ptr<Driver>> make(std::string_view kind, DriverOptions options) {
    if (is_executed(kind)) options.pack_start = PackStart::kExec;
    if (!is_oci(kind)) return make_driver(driver_name(kind), options);
    options.oci_runtime = kind;
    return make_driver("oci", options);
  }

  Driver& driver() { return *driver_; }
  void destroy_driver() { driver_.reset(); }
  [[nodiscard]] const DriverOptions& options() const { return options_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] bool has_working_directory(ContainerId id) const {
    return std::filesystem::exists(directory_ / "packs" / std::to_string(id));
  }

  /// One container, its start, and our ends.
  Result<OtherEnds> start(ContainerId id, const std::string& what, const std::string& argument = "",
                          bool python = false) {
    auto [spec, ends] = make_spec(id, what, argument);
    spec.python = python;
    std::vector<Spec> specs;
    specs.push_back(std::move(spec));
    GUST_TRY_VOID(driver_->start(std::move(specs)));
    return std::move(ends);
  }

  /// Reads events until `done()`. False at the deadline, or when the driver is lost (then loss() says why).
  bool pump_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    const Events events{.launched = [this](const Launched& launched) { launched_.emplace(launched.id, launched); },
                        .exited = [this](const Exited& exited) { exited_.emplace(exited.id, exited); },
                        .prewarmed = [this](std::uint32_t ready) { prewarmed_ = ready; }};
    while (!done()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd readable{driver_->event_fd(), POLLIN, 0};
      if (left.count() <= 0 || poll(&readable, 1, static_cast<int>(left.count())) <= 0) return false;
      if (const Result<void> read = driver_->read_events(events); !read) {
        loss_ = read.error();
        return done();
      }
    }
    return true;
  }
  bool wait_launched(std::size_t count) {
    return pump_until([&] { return launched_.size() >= count; });
  }
  bool wait_exited(std::size_t count) {
    return pump_until([&] { return exited_.size() >= count; });
  }

  bool wait_prewarmed(std::uint32_t count) {
    return pump_until([&] { return prewarmed_ == count; });
  }

  [[nodiscard]] std::uint32_t prewarmed() const { return prewarmed_; }
  [[nodiscard]] const std::map<ContainerId, Launched>& launched() const { return launched_; }
  [[nodiscard]] const std::map<ContainerId, Exited>& exited() const { return exited_; }
  [[nodiscard]] const Error& loss() const { return loss_; }

 private:
  std::filesystem::path directory_;
  DriverOptions options_;
  std::unique_ptr<Driver> driver_;
  std::map<ContainerId, Launched> launched_;
  std::map<ContainerId, Exited> exited_;
  std::uint32_t prewarmed_ = 0;
  Error loss_;
};

}  // namespace gust::container::testing
