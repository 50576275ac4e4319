#include "base/testing/server.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <optional>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <utility>

#include "base/fd.h"
#include "base/files.h"
#include "base/write_all.h"

extern char** environ;

namespace gust::testing {

namespace fs = std::filesystem;

namespace {

constexpr int kLaunches = 5;  // somebody else may take the port first
constexpr int kAskAgainMs = 5;

sockaddr_in local_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::optional<fs::path> find_program(const std::string& name, const fs::path& known) {
  if (::access(known.c_str(), X_OK) == 0) return known;
  const char* path = std::getenv("PATH");
  // Where Debian puts servers, too: PATH of an ordinary user is without it.
  const std::string folders = std::string(path == nullptr ? "" : path) + ":/usr/sbin:/usr/local/bin";
  for (std::size_t begin = 0; begin <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    fs::path file = fs::path(folders.substr(begin, end - begin)) / name;
    if (::access(file.c_str(), X_OK) == 0) return file;
    begin = end + 1;
  }
  return std::nullopt;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

}  // namespace

Result<std::uint16_t> free_port() {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = local_address(0);
  socklen_t size = sizeof address;
  if (!socket || ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return fail_errno("find a free port", errno);
  }
  return ntohs(address.sin_port);
}

bool replies(std::uint16_t port, std::string_view request, std::string_view expected) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = local_address(port);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;
  if (!write_all(socket.get(), request)) return false;
  std::string answer(expected.size(), '\0');
  std::size_t size = 0;
  while (size < answer.size()) {
    pollfd entry{.fd = socket.get(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, 1000) != 1) return false;
    const ssize_t got = ::recv(socket.get(), answer.data() + size, answer.size() - size, 0);
    if (got <= 0) return false;
    size += static_cast<std::size_t>(got);
  }
  return answer == expected;
}

Server::Server(ServerProgram program, fs::path path, fs::path folder)
    : program_(std::move(program)), path_(std::move(path)), folder_(std::move(folder)) {}

Server::~Server() {
  kill();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

Result<std::unique_ptr<Server>> Server::start(ServerProgram program) {
  const auto path = find_program(program.name, program.path);
  if (!path) return fail(ErrorCode::kNotFound, program.name + " is not installed");
  std::string folder = (fs::temp_directory_path() / (path->filename().string() + "-XXXXXX")).string();
  if (::mkdtemp(folder.data()) == nullptr) return fail_errno("create " + folder, errno);
  std::unique_ptr<Server> server(new Server(std::move(program), *path, folder));
  Result<void> launched;
  for (int i = 0; i < kLaunches; ++i) {
    server->port_ = GUST_TRY(free_port());
    launched = server->launch();
    if (launched || launched.error().code == ErrorCode::kTimedOut) break;
  }
  if (!launched) return std::unexpected(launched.error());
  return server;
}

Result<void> Server::restart() { return launch(); }

Result<void> Server::launch() {
  std::vector<std::string> arguments = program_.arguments(folder_, port_);
  arguments.insert(arguments.begin(), path_.string());
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  if (program_.environment) {
    for (std::string& entry : program_.environment(folder_, port_)) environment.push_back(std::move(entry));
  }
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  const std::string log = folder_.string() + "/log";
  const std::string working = folder_.string();
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) return fail_errno("fork", errno);
  if (pid_ == 0) {  // only what is safe after the fork of a process with threads
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    const int output = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(::open("/dev/null", O_RDONLY), 0);
    ::dup2(output, 1);
    ::dup2(output, 2);
    if (::chdir(working.c_str()) == 0) ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + program_.patience;
  while (!program_.answers(port_)) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return fail(ErrorCode::kUnavailable, program_.name + " ended: " + last_words());
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      kill();
      return fail(ErrorCode::kTimedOut, program_.name + " does not answer: " + last_words());
    }
    ::poll(nullptr, 0, kAskAgainMs);
  }
  return {};
}

void Server::kill() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void Server::freeze() const {
  ::kill(-pid_, SIGSTOP);
  siginfo_t stopped{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &stopped, WSTOPPED | WNOWAIT);
}

void Server::thaw() const { ::kill(-pid_, SIGCONT); }

std::string Server::last_words() const {
  const auto log = read_whole_file(folder_ / "log");
  if (!log) return "it printed nothing";
  return log->substr(log->size() - std::min<std::size_t>(log->size(), 2000));
}

}  // namespace gust::testing
