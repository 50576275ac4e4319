#include "pack/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <utility>

#include "base/check.h"
#include "pack/unpack.h"

namespace gust::pack {

namespace {

constexpr const char* kFolder = "action";
constexpr const char* kProgram = "action/exec";
/// Descriptors that are handed on lie above those that they become: one duplicated onto itself would be closed.
constexpr int kLowestOfOurs = 10;

Result<bool> is_archive(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("open " + path, errno);
  std::array<char, 4> head{};
  const ssize_t got = ::read(file.get(), head.data(), head.size());
  return got == 4 && std::string_view(head.data(), head.size()) == "PK\x03\x04";
}

// A copy: the code itself is read-only, shared by the packs of the machine, and not executable.
Result<void> copy_program(const std::string& path) {
  const UniqueFd from(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!from || ::fstat(from.get(), &status) != 0) return fail_errno("open " + path, errno);
  const UniqueFd to(::open(kProgram, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755));
  if (!to) return fail_errno(std::string("make ") + kProgram, errno);
  for (off_t left = status.st_size; left > 0;) {
    const ssize_t sent = ::sendfile(to.get(), from.get(), nullptr, static_cast<std::size_t>(left));
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return fail_errno(std::string("write ") + kProgram, sent == 0 ? EIO : errno);
    left -= sent;
  }
  return {};
}

Result<void> place(const std::string& code_path) {
  if (::mkdir(kFolder, 0755) != 0) return fail_errno(std::string("make the folder ") + kFolder, errno);
  if (!GUST_TRY(is_archive(code_path))) return copy_program(code_path);
  GUST_TRY_VOID(unpack_zip(code_path, kFolder));
  if (::chmod(kProgram, 0755) == 0) return {};
  return fail(ErrorCode::kInvalid, "the zip archive has no exec at its top level; put the executable there");
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("make a pipe to the executable", errno);
  return Pipe{.read = UniqueFd(ends[0]), .write = UniqueFd(ends[1])};
}

Result<UniqueFd> move_up(UniqueFd descriptor) {
  UniqueFd moved(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, kLowestOfOurs));
  if (!moved) return fail_errno("duplicate a descriptor for the executable", errno);
  return moved;
}

std::string describe(int error) {
  std::string reason = std::strerror(error);
  if (error == ENOEXEC) return reason + "; it is for another processor, or a script without #! in its first line";
  if (error == ENOENT)
    return reason + "; the container has no such interpreter or loader as its first line or header names";
  return reason;
}

}  // namespace

Result<Program> Program::start(const std::string& code_path) {
  GUST_TRY_VOID(place(code_path));
  Pipe requests = GUST_TRY(make_pipe());
  Pipe answers = GUST_TRY(make_pipe());
  const UniqueFd their_requests = GUST_TRY(move_up(std::move(requests.read)));
  const UniqueFd their_answers = GUST_TRY(move_up(std::move(answers.write)));
  Program program;
  program.requests_ = GUST_TRY(move_up(std::move(requests.write)));
  program.answers_ = GUST_TRY(move_up(std::move(answers.read)));
  for (const int ours : {program.requests(), program.answers()}) {
    if (::fcntl(ours, F_SETFL, O_NONBLOCK) != 0) return fail_errno("fcntl", errno);
  }
  // A program that does not read its requests is found out by how it ends.
  ::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, their_requests.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, their_answers.get(), kAnswers);
  posix_spawn_file_actions_addchdir_np(&actions, kFolder);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  std::string name = "./exec";
  std::array<char*, 2> argv = {name.data(), nullptr};
  const int error = ::posix_spawn(&program.pid_, name.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(ErrorCode::kInvalid, "the executable could not be started: " + describe(error));
  program.process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, program.pid_, 0)));
  if (!program.process_) return fail_errno("watch the executable", errno);
  return program;
}

int Program::wait_status() const {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) GUST_CHECK(errno == EINTR, "a child that nobody else waits for");
  return status;
}

}  // namespace gust::pack
