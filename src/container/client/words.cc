#include "container/client/words.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <vector>

namespace gust::container {
namespace {

std::string_view words(Step step) {
  switch (step) {
    case Step::kMakeDirectory: return "make its working directory";
    case Step::kCreateProcess: return "create its process";
    case Step::kProcessGroup: return "create its process group";
    case Step::kDeathSignal: return "tie it to the launcher's life";
    case Step::kEnterDirectory: return "enter its working directory";
    case Step::kLimitMemory: return "limit its memory";
    case Step::kLimitOpenFiles: return "limit its open files";
    case Step::kTag: return "tag its processes";
    case Step::kDescriptors: return "receive its descriptors";
    case Step::kPlaceDescriptors: return "place its descriptors";
    case Step::kSignalMask: return "reset its signals";
    case Step::kCgroup: return "make its cgroup";
    case Step::kJoinCgroup: return "enter its cgroup";
    case Step::kLoopback: return "raise its loopback interface";
    case Step::kMountProc: return "mount its /proc";
    case Step::kMountTmp: return "mount its /tmp";
    case Step::kBecomeUser: return "become its own user";
    case Step::kLimitProcesses: return "limit its processes";
    case Step::kSeccomp: return "limit its system calls";
    default: return "set it up";
  }
}

std::string_view advice(Failure failure) {
  if (failure.step == Step::kCreateProcess && failure.error_number == EAGAIN) {
    return "; raise the limit of processes (ulimit -u, or pids.max of the cgroup)";
  }
  if (failure.step == Step::kLimitOpenFiles && failure.error_number == EPERM) {
    return "; it is above the invoker's own: raise that (ulimit -Hn)";
  }
  if (failure.step == Step::kCgroup && failure.error_number == EBUSY) {
    return "; the memory limit is too small to begin with: raise limits.memory";
  }
  if (failure.step == Step::kCreateProcess && failure.error_number == ENOSPC) {
    return "; raise the limits of namespaces (sysctl user.max_pid_namespaces, user.max_mnt_namespaces)";
  }
  if (failure.step == Step::kDescriptors) return "; raise the invoker's limit of open files (ulimit -Hn)";
  if (failure.step == Step::kMakeDirectory && failure.error_number == ENOSPC)
    return "; free space in the state directory";
  return "";
}

}  // namespace

std::string_view name_of(Isolation isolation) {
  switch (isolation) {
    case Isolation::kNone: return "process";
    case Isolation::kSandbox: return "sandbox";
    case Isolation::kOci: return "oci";
  }
  return "?";
}

std::string describe_notice(Isolation isolation, std::uint16_t unenforced) {
  if (isolation == Isolation::kNone) {
    return "the process driver does not isolate: code in a container can read and signal whatever the invoker's user "
           "can; limits hold for each process, not for a container as a whole";
  }
  if (isolation == Isolation::kOci) return "";
  std::vector<std::string_view> missing;
  if ((unenforced & kUnenforcedMemory) != 0) missing.emplace_back("memory (only of each process; no memory cgroup)");
  if ((unenforced & kUnenforcedCpu) != 0) missing.emplace_back("shares of the processors (no cpu cgroup)");
  if ((unenforced & kUnenforcedProcesses) != 0) missing.emplace_back("processes (all packs are one user; run as root)");
  if (missing.empty()) return "";
  return fmt::format("the sandbox driver cannot limit on this machine: {}", fmt::join(missing, ", "));
}

Error describe_refusal(const ReadyEntry& ready, const LauncherStart& start) {
  const std::string& directory = start.directory;
  const char* reason = std::strerror(ready.error_number);
  switch (ready.step) {
    case Step::kLockDirectory:
      return {ErrorCode::kExists,
              fmt::format("{} is in use by another invoker; give each invoker its own state directory", directory)};
    case Step::kOpenDirectory: return {ErrorCode::kInternal, fmt::format("open {}: {}", directory, reason)};
    case Step::kClearDirectory:
      return {ErrorCode::kInternal,
              fmt::format("remove what an earlier invoker left in {}: {}; remove it by hand", directory, reason)};
    case Step::kWatchChildren:
      return {ErrorCode::kInternal,
              fmt::format("watch the launcher's children: {}; /proc must be mounted and list them "
                          "(CONFIG_PROC_CHILDREN)",
                          reason)};
    case Step::kUserNamespace:
    case Step::kNamespaces:
      return {ErrorCode::kDenied,
              fmt::format("the {} driver may not make namespaces here: {}; run the invoker as root (with "
                          "CAP_SYS_ADMIN), or permit user namespaces to its user (sysctl user.max_user_namespaces, "
                          "kernel.unprivileged_userns_clone), or give up isolation with --driver process",
                          name_of(start.isolation), reason)};
    case Step::kRootFileSystem:
      return {ready.error_number == EPERM || ready.error_number == EACCES ? ErrorCode::kDenied : ErrorCode::kInternal,
              fmt::format("the sandbox driver cannot build its root file system on {}: {}; run the invoker as root "
                          "(with CAP_SYS_ADMIN, and where mounting is not forbidden), or give up isolation with "
                          "--driver process",
                          directory, reason)};
    case Step::kImage: {
      const char* next = "import it again (gust image import)";
      if (ready.error_number == EPERM) next = "run the invoker where it may mount, as root with CAP_SYS_ADMIN";
      return {ready.error_number == EPERM ? ErrorCode::kDenied : ErrorCode::kInternal,
              fmt::format("cannot make {} the root of sandboxes: {}; {}",
                          start.image == nullptr ? "" : start.image->root.string(), reason, next)};
    }
    case Step::kShownFolder:
      return {ErrorCode::kInvalid, fmt::format("show {} to sandboxes, as the setting runtimes asks: {}",
                                               fmt::join(start.shown, " and "), reason)};
    case Step::kPackBinary: {
      const ErrorCode code = ready.error_number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kInternal;
      return {code, fmt::format("show {} to sandboxes: {}", start.pack_binary, reason)};
    }
    case Step::kPrivileges:
      return {ErrorCode::kDenied,
              fmt::format("the sandbox driver may not drop privileges here: {}; run the invoker as root with "
                          "CAP_SETPCAP, CAP_SETUID and CAP_SETGID, or give up isolation with --driver process",
                          reason)};
    case Step::kSeccompCompile:
      return {ErrorCode::kInternal, fmt::format("make the filter of system calls: {}", reason)};
    default: return {ErrorCode::kInternal, fmt::format("prepare the launcher's descriptors and limits: {}", reason)};
  }
}

std::string describe_failure(Failure failure, const std::string& pack_binary) {
  const char* reason = std::strerror(failure.error_number);
  if (failure.step == Step::kExec) return fmt::format("exec {}: {}", pack_binary, reason);
  if (failure.step == Step::kRuntime) return fmt::format("its OCI runtime ended with status {}", failure.error_number);
  if (failure.step == Step::kDuplicateId) return "its id is that of a container that still runs; use a new one";
  return fmt::format("{}: {}{}", words(failure.step), reason, advice(failure));
}

}  // namespace gust::container
