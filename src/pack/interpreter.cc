#include "pack/interpreter.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/check.h"
#include "base/pass_fds.h"
#include "base/write_all.h"

namespace gust::pack {

namespace {

/// Descriptors that are handed on lie above those that they become: one duplicated onto itself would be closed.
constexpr int kLowestOfOurs = 10;

constexpr char kDefaultFolders[] = "/usr/local/bin:/usr/bin";

// The source is read from a descriptor: nothing has to be installed, and process lists stay readable. The name shows in
// the traceback of a fault of the runner's own.
constexpr char kBoot[] = "import os;exec(compile(os.read(5,1<<20),'gust-runner','exec'))";

bool is_program(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

Result<UniqueFd> move_up(UniqueFd descriptor) {
  UniqueFd moved(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, kLowestOfOurs));
  if (!moved) return fail_errno("duplicate a descriptor for the Python interpreter", errno);
  return moved;
}

Result<UniqueFd> memory_file(const char* name) {
  UniqueFd file(::memfd_create(name, MFD_CLOEXEC));
  if (!file) return fail_errno("memfd_create", errno);
  return move_up(std::move(file));
}

void append_numbers(std::string& text, std::string_view name, const std::vector<std::uint32_t>& numbers) {
  text += name;
  std::array<char, 11> digits;
  for (const std::uint32_t number : numbers) {
    digits[0] = ' ';
    text.append(digits.data(), std::to_chars(digits.data() + 1, digits.data() + digits.size(), number).ptr);
  }
  text += '\n';
}

// As the runner is told that it was started ahead.
constexpr char kAhead[] = "ahead";

// As class Job of the runner reads it.
std::string describe(const protocol::StartMessage& start) {
  std::string text = "code " + start.code_path + "\nmain " + start.main + "\nsingle " + (start.is_single ? "1" : "0") +
                     "\nburst_id " + start.flare_id + "\nburst_size " + std::to_string(start.burst_size) +
                     "\npack_id " + std::to_string(start.pack_id) + "\ninvoker_id " + std::to_string(start.invoker_id) +
                     "\nfirst_worker " + std::to_string(start.workers.first.value()) + "\n";
  append_numbers(text, "pack_first_worker", start.pack_first_worker);
  append_numbers(text, "params_end", start.params_end);
  return text;
}

/// Of a folder that the controller's setting names.
Result<std::string> python_of(const std::string& folder) {
  std::string program = folder + "/bin/python3";
  if (is_program(program)) return program;
  return fail(ErrorCode::kInvalid, "there is no " + program +
                                       " in the container, which the controller's setting runtimes names; give the "
                                       "invoker the same setting, or make it in the image");
}

}  // namespace

Result<std::string> find_python(std::string_view folders) {
  for (std::size_t begin = 0; begin < folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string_view folder = folders.substr(begin, end - begin);
    std::string program = std::string(folder) + "/python3";
    if (folder.starts_with('/') && is_program(program)) return program;
    begin = end + 1;
  }
  return fail(ErrorCode::kInvalid, "there is no python3 in the container (looked in " + std::string(folders) +
                                       "); install Python 3.9 or newer on the invoker's machine or in the image");
}

Result<std::string> choose_python() {
  if (const char* folder = std::getenv("GUST_PYTHON")) return python_of(folder);
  const char* path = std::getenv("PATH");
  return find_python(std::string(path != nullptr ? path : "") + ":" + kDefaultFolders);
}

Result<Interpreter> Interpreter::start() { return spawn(GUST_TRY(choose_python()), environ, nullptr); }

Result<Interpreter> Interpreter::start_ahead(const std::string& folder) {
  const std::string program = GUST_TRY(folder.empty() ? find_python(kDefaultFolders) : python_of(folder));
  // What decides how Python reads and writes text, and all that it may need to start; the rest comes with its job.
  std::string language = "LANG=C.UTF-8";
  std::array<char*, 2> environment{language.data(), nullptr};
  Interpreter interpreter = GUST_TRY(spawn(program, environment.data(), kAhead));
  interpreter.is_ahead_ = true;
  return interpreter;
}

Result<Interpreter> Interpreter::spawn(const std::string& program, char* const* environment, const char* word) {
  Interpreter interpreter;
  interpreter.program_ = program;
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail_errno("make a socket to the Python interpreter", errno);
  }
  interpreter.socket_.reset(ends[0]);
  const UniqueFd theirs = GUST_TRY(move_up(UniqueFd(ends[1])));
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return fail_errno("fcntl", errno);
  interpreter.job_ = GUST_TRY(memory_file("job"));
  const UniqueFd source = GUST_TRY(memory_file("runner"));
  GUST_TRY_VOID(write_all(source.get(), python_runner()));
  if (::lseek(source.get(), 0, SEEK_SET) != 0) return fail_errno("lseek", errno);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), kReports);
  posix_spawn_file_actions_adddup2(&actions, interpreter.job_.get(), kJob);
  posix_spawn_file_actions_adddup2(&actions, source.get(), kSource);
  // -I: neither the current folder, nor the user's packages, nor variables of Python's say what is imported. -B: no
  // compiled files are written; the container's end would be theirs.
  // A virtualenv is found by the path of the program, as it was called.
  std::string name = program;
  std::array<char*, 6> argv{
      name.data(), const_cast<char*>("-IB"), const_cast<char*>("-c"), const_cast<char*>(kBoot), const_cast<char*>(word),
      nullptr};
  const int error = ::posix_spawn(&interpreter.pid_, program.c_str(), &actions, nullptr, argv.data(), environment);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail_errno("start " + program, error);
  interpreter.process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, interpreter.pid_, 0)));
  if (!interpreter.process_) return fail_errno("watch the Python interpreter", errno);
  return interpreter;
}

bool Interpreter::is_the_wanted_one() const {
  const auto wanted = choose_python();
  pollfd ended{.fd = process_.get(), .events = POLLIN, .revents = 0};
  return wanted && *wanted == program_ && ::poll(&ended, 1, 0) == 0;
}

Result<void> Interpreter::catch_up() {
  for (const auto resource : {RLIMIT_NOFILE, RLIMIT_DATA, RLIMIT_NPROC}) {
    rlimit own{};
    if (::getrlimit(resource, &own) != 0 || ::prlimit(pid_, resource, &own, nullptr) != 0) {
      return fail_errno("limit the Python interpreter", errno);
    }
  }
  return {};
}

Result<void> Interpreter::give(const protocol::StartMessage& job) {
  const std::string text = describe(job);
  GUST_TRY_VOID(write_all(job_.get(), text));
  GUST_TRY_VOID(write_all(job_.get(), job.params));
  std::string size = std::to_string(text.size());
  if (is_ahead_) {
    std::string environment;
    for (char** variable = environ; *variable != nullptr; ++variable) environment.append(*variable).push_back('\0');
    GUST_TRY_VOID(write_all(job_.get(), environment));
    size += ' ' + std::to_string(environment.size());
  }
  job_.reset();
  return send_job(size);
}

Result<void> Interpreter::send_job(const std::string& size) const {
  constexpr std::array<int, 2> kOutputs{STDOUT_FILENO, STDERR_FILENO};
  const std::span<const int> descriptors = is_ahead_ ? std::span<const int>(kOutputs) : std::span<const int>();
  // An interpreter that is gone already is found out by whoever waits for its reports.
  if (send_with_fds(socket_.get(), std::as_bytes(std::span(size)), descriptors, 0) < 0 && errno != EPIPE) {
    return fail_errno("send the Python interpreter its job", errno);
  }
  return {};
}

int Interpreter::wait_status() const {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) GUST_CHECK(errno == EINTR, "a child that nobody else waits for");
  return status;
}

}  // namespace gust::pack
