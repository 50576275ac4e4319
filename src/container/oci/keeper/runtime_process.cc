#include "container/oci/keeper/runtime_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/syscall.h>

#include "base/fd.h"

namespace gust::container {
namespace {

constexpr int kPackSocket = 3;

std::array<char, 512> read_text(int directory, const char* path) {
  std::array<char, 512> text{};
  const UniqueFd file(openat(directory, path, O_RDONLY | O_CLOEXEC));
  if (!file || read(file.get(), text.data(), text.size() - 1) < 0) text[0] = '\0';
  return text;
}

}  // namespace

pid_t start_runtime(const char* runtime, const Bundle& bundle, const std::string& name,
                    const ChildDescriptors& descriptors) {
  const std::string state = bundle.state();
  const std::string log = bundle.log();
  const std::string pid_file = bundle.pid_file();
  const char* words[] = {runtime,
                         "--root",
                         state.c_str(),
                         "--log",
                         log.c_str(),
                         "--log-format",
                         "json",
                         "run",
                         "--detach",
                         "--bundle",
                         bundle.directory.c_str(),
                         "--pid-file",
                         pid_file.c_str(),
                         "--preserve-fds",
                         "1",
                         name.c_str(),
                         nullptr};
  char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char* const environment[] = {path, nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, descriptors.standard_output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, descriptors.standard_error, STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, descriptors.socket, kPackSocket);
  posix_spawn_file_actions_addclosefrom_np(&actions, kPackSocket + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t pid = -1;
  errno = posix_spawn(&pid, runtime, &actions, &attributes, const_cast<char* const*>(words), environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return errno == 0 ? pid : -1;
}

pid_t read_pid(const Bundle& bundle) {
  return static_cast<pid_t>(std::strtol(read_text(AT_FDCWD, bundle.pid_file().c_str()).data(), nullptr, 10));
}

/// What a /proc tells of a descriptor for a process it tells in its own namespace's numbers.
pid_t pid_outside(int host_proc, pid_t pid) {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return 0;
  char path[64];
  std::snprintf(path, sizeof path, "self/fdinfo/%d", process.get());
  const auto text = read_text(host_proc, path);
  const char* line = std::strstr(text.data(), "Pid:");
  return line == nullptr ? 0 : static_cast<pid_t>(std::strtol(line + std::strlen("Pid:"), nullptr, 10));
}

}  // namespace gust::container
