#include "base/children.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace gust {

namespace {

// Runs in the child, between fork and exec of a single-threaded process.
[[noreturn]] void become(const std::string& path, char* const* argv, char* const* envp, int keep_fd, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(0);  // it died before we asked to be told
  if (keep_fd >= 0) ::fcntl(keep_fd, F_SETFD, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(path.c_str(), argv, envp);
  ::_exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

}  // namespace

Result<std::string> own_path() {
  std::string path(PATH_MAX, '\0');
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  if (length < 0) return fail_errno("readlink /proc/self/exe", errno);
  path.resize(static_cast<std::size_t>(length));
  return path;
}

Children::Children() {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &child, nullptr);
}

Children::~Children() { stop(std::chrono::milliseconds(0)); }

Result<void> Children::spawn(const Command& command) {
  const std::string path = GUST_TRY(own_path());
  std::vector<std::string> arguments = {"gust"};
  arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> environment = command.environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    // Settings reach children as flags and as Command::environment; our own would contradict them.
    if (std::strncmp(*entry, "GUST_", 5) != 0) environment.emplace_back(*entry);
  }
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("start " + command.name, errno);
  if (pid == 0) become(path, argv.data(), envp.data(), command.keep_fd, parent);
  running_[pid] = command.name;
  return {};
}

std::optional<Children::Ended> Children::reap() {
  // Each by its id: the process may have children that somebody else waits for.
  for (auto child = running_.begin(); child != running_.end(); ++child) {
    int status = 0;
    if (::waitpid(child->first, &status, WNOHANG) <= 0) continue;
    Ended ended{.name = child->second, .pid = child->first, .wait_status = status};
    running_.erase(child);
    return ended;
  }
  return std::nullopt;
}

void Children::stop(std::string_view name, std::chrono::milliseconds patience) {
  const auto is_it = [name](const auto& child) { return child.second == name; };
  for (const auto& child : running_) {
    if (is_it(child)) ::kill(child.first, SIGTERM);
  }
  wait_while([&] { return std::ranges::any_of(running_, is_it); }, patience);
}

void Children::stop(std::chrono::milliseconds patience) {
  for (const auto& [pid, name] : running_) ::kill(pid, SIGTERM);
  wait_while([this] { return !running_.empty(); }, patience);
  for (const auto& [pid, name] : running_) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  running_.clear();
}

template <class Condition>
void Children::wait_while(Condition holds, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  for (;;) {
    while (reap()) {
    }
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(deadline - std::chrono::steady_clock::now());
    if (!holds() || left.count() <= 0) return;
    const timespec wait{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
    ::sigtimedwait(&child, nullptr, &wait);
  }
}

std::string describe_wait_status(int wait_status) {
  if (WIFSIGNALED(wait_status)) return fmt::format("was killed by SIG{}", ::sigabbrev_np(WTERMSIG(wait_status)));
  return fmt::format("exited with code {}", WEXITSTATUS(wait_status));
}

}  // namespace gust
