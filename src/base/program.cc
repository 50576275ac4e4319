#include "base/program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <sstream>
#include <sys/wait.h>

#include "base/children.h"
#include "base/fd.h"

namespace gust {
namespace {

struct Pipe {
  UniqueFd ours;
  UniqueFd theirs;
};

Result<Pipe> open_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<pid_t> spawn(const std::vector<std::string>& command, const std::vector<int>& keep_open, int output, int error) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, error, STDERR_FILENO);
  for (const int fd : keep_open) posix_spawn_file_actions_adddup2(&actions, fd, fd);  // no longer closed on exec
  pid_t pid = -1;
  const int failed = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed == ENOENT) {
    return fail(ErrorCode::kNotFound, fmt::format("there is no program '{}'; install it", command.front()));
  }
  if (failed != 0) return fail_errno("start " + command.front(), failed);
  return pid;
}

/// False at the end.
bool take(int fd, std::string& text) {
  char part[4096];
  const ssize_t got = ::read(fd, part, sizeof part);
  if (got > 0) text.append(part, static_cast<std::size_t>(got));
  return got > 0 || (got < 0 && errno == EINTR);
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

bool is_in_path(const std::string& program) {
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0;
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((std::filesystem::path(folder) / program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Result<std::string> run_program(const std::vector<std::string>& command, const std::vector<int>& keep_open) {
  Pipe output = GUST_TRY(open_pipe());
  Pipe error = GUST_TRY(open_pipe());
  const pid_t pid = GUST_TRY(spawn(command, keep_open, output.theirs.get(), error.theirs.get()));
  output.theirs.reset();
  error.theirs.reset();
  std::string text;
  std::string complaint;
  pollfd watched[] = {{output.ours.get(), POLLIN, 0}, {error.ours.get(), POLLIN, 0}};
  while (watched[0].fd >= 0 || watched[1].fd >= 0) {
    if (::poll(watched, 2, -1) < 0 && errno != EINTR) break;
    if (watched[0].revents != 0 && !take(watched[0].fd, text)) watched[0].fd = -1;
    if (watched[1].revents != 0 && !take(watched[1].fd, complaint)) watched[1].fd = -1;
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno("wait for " + command.front(), errno);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  const std::string reason = last_line(std::move(complaint));
  return fail(ErrorCode::kInternal, fmt::format("{} {}{}{}", command.front(), describe_wait_status(status),
                                                reason.empty() ? "" : ": ", reason));
}

}  // namespace gust
