#include "container/oci/keeper/warden.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fd.h"

namespace gust::container {
namespace {

constexpr int kNoNamespace = 126;

/// True when the other end of the pipe, which only the warden has, is gone: it died before it was tied to us.
bool is_alone(int pipe_end) {
  pollfd gone{pipe_end, POLLIN, 0};
  return poll(&gone, 1, 0) != 0;
}

/// crun refuses to work where version 2 of cgroups is mounted beside version 1 and has a controller of its own.
/// Runtimes take version 1 there in any case, so they do not get to see the other.
void hide_second_cgroups() { umount2("/sys/fs/cgroup/unified", MNT_DETACH); }

bool mount_own_proc() {
  return mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0;
}

}  // namespace

int run_as_first_process(const std::function<int()>& inside, const std::function<void(Failure)>& failed) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    failed({Step::kDescriptors, errno});
    return 1;
  }
  UniqueFd theirs(ends[0]);
  const UniqueFd ours(ends[1]);
  const auto pid = static_cast<pid_t>(syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
  if (pid < 0) {
    failed({Step::kNamespaces, errno});
    return 1;
  }
  if (pid == 0) {
    close(ours.get());
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || is_alone(theirs.get()) || !mount_own_proc()) _exit(kNoNamespace);
    hide_second_cgroups();
    _exit(inside());
  }
  theirs.reset();
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFSIGNALED(status)) kill(getpid(), WTERMSIG(status));
  if (WEXITSTATUS(status) == kNoNamespace) failed({Step::kNamespaces, EPERM});
  return WEXITSTATUS(status);
}

}  // namespace gust::container
