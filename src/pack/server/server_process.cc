#include "pack/server/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/pass_fds.h"
#include "pack/run.h"

namespace gust::pack {

namespace {

struct Pair {
  UniqueFd ours;
  UniqueFd theirs;
};

Result<Pair> make_pipe() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("make a pipe to the action's server", errno);
  Pair pair{.ours = UniqueFd(ends[0]), .theirs = UniqueFd(ends[1])};
  if (::fcntl(pair.ours.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("fcntl", errno);
  return pair;
}

/// By which the new process hands over the descriptor of its calls; its end says that the program runs.
Result<Pair> make_socket() {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail_errno("make a socket to the action's server", errno);
  }
  return Pair{.ours = UniqueFd(ends[0]), .theirs = UniqueFd(ends[1])};
}

/// What the new process says of itself: `error`, with the descriptor of its calls when it has one.
void send_word(int socket, int error, std::span<const int> descriptors) {
  send_with_fds(socket, std::as_bytes(std::span(&error, 1)), descriptors);
}

/// The new process: only what may be done between fork and execve.
[[noreturn]] void become_server(char* const* argv, int standard_output, int standard_error, int socket) {
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(standard_output, STDOUT_FILENO);
  ::dup2(standard_error, STDERR_FILENO);
  ::fcntl(kInvokerSocket, F_SETFD, FD_CLOEXEC);
  ::signal(SIGPIPE, SIG_DFL);  // NOLINT(cert-err33-c): cannot fail
  const int calls = divert_binds();
  if (calls >= 0) {
    send_word(socket, 0, std::span(&calls, 1));
    ::execvp(argv[0], argv);
  }
  send_word(socket, errno, {});
  ::_exit(127);
}

/// Nothing when the process has failed before; `error` is then why.
UniqueFd receive_calls(int socket, int& error) {
  std::vector<UniqueFd> calls;
  if (receive_with_fds(socket, std::as_writable_bytes(std::span(&error, 1)), calls) <= 0) error = ECHILD;
  return calls.empty() ? UniqueFd() : std::move(calls.front());
}

}  // namespace

std::vector<std::string> server_command() {
  const char* text = std::getenv("GUST_SERVER");
  if (text == nullptr) text = std::getenv("GUST_IMAGE_COMMAND");
  std::vector<std::string> words;
  if (text == nullptr || *text == '\0') return words;
  std::string_view rest = text;
  while (true) {
    const std::size_t end = rest.find(kWordSeparator);
    words.emplace_back(rest.substr(0, end));
    if (end == std::string_view::npos) return words;
    rest.remove_prefix(end + 1);
  }
}

Result<ServerProcess> ServerProcess::start(const std::vector<std::string>& command) {
  std::vector<std::string> words = command;
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  Pair output = GUST_TRY(make_pipe());
  Pair error = GUST_TRY(make_pipe());
  Pair socket = GUST_TRY(make_socket());

  ServerProcess server;
  server.pid_ = ::fork();
  if (server.pid_ < 0) return fail_errno("start the action's server", errno);
  if (server.pid_ == 0) {
    become_server(argv.data(), output.theirs.get(), error.theirs.get(), socket.theirs.get());
  }
  socket.theirs.reset();
  server.process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, server.pid_, 0)));
  if (!server.process_) return fail_errno("watch the action's server", errno);
  int why = 0;
  UniqueFd calls = receive_calls(socket.ours.get(), why);
  if (!calls) {
    return fail(ErrorCode::kInternal,
                std::string("the action's server cannot have a port of its own here (seccomp): ") + std::strerror(why) +
                    "; it takes Linux 5.9 or newer");
  }
  if (::recv(socket.ours.get(), &why, sizeof why, 0) == sizeof why) {
    return fail(ErrorCode::kInvalid, "the action's server " + command.front() + " could not be started: " +
                                         std::strerror(why) + "; it is what the image or the setting runtimes says");
  }
  server.port_ = DivertedPort(std::move(calls));
  server.standard_output_ = std::move(output.ours);
  server.standard_error_ = std::move(error.ours);
  return server;
}

int ServerProcess::wait_status() const {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) GUST_CHECK(errno == EINTR, "a child that nobody else waits for");
  return status;
}

}  // namespace gust::pack
