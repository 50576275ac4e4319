// A gust-pack that tries to get out of its container, for driver_hostile_test.cc. It sends the names of the attempts
// that succeeded, one a line, or "none". Never run it as root outside a sandbox: then the attempts do succeed.
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <linux/capability.h>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <vector>

#include "container/testing/pack_main.h"
#include "pack/prewarm.h"

namespace {

constexpr int kSocket = 3;

std::string succeeded;

void tell(const std::string& text) {
  if (send(kSocket, text.data(), text.size(), MSG_NOSIGNAL) < 0) _exit(99);
}

/// What a system call gave, which should be an error.
void attempt(const std::string& name, long outcome) {
  if (outcome >= 0) succeeded += name + "\n";
}

void attempt_to_open(const std::string& path, int flags) {
  attempt("open " + path + ((flags & O_ACCMODE) == O_RDONLY ? " to read" : " to write"),
          open(path.c_str(), flags | O_CLOEXEC, 0600));
}

void read_the_host(const std::string& secret) {
  for (const char* path : {"/etc/shadow",
                           "/etc/gshadow",
                           "/root",
                           "/home",
                           "/boot",
                           "/var/lib",
                           "/var/log",
                           "/proc/kcore",
                           "/proc/kmsg",
                           "/dev/mem",
                           "/dev/kmsg",
                           "/dev/vda",
                           "/dev/sda",
                           "/dev/nvme0n1",
                           "/dev/fuse",
                           "/dev/net/tun",
                           "/dev/kvm",
                           "/sys/kernel",
                           "/sys/fs/cgroup/memory",
                           "/mnt",
                           "/gust/code/x"}) {
    attempt_to_open(path, O_RDONLY);
  }
  attempt_to_open(secret, O_RDONLY);
  for (const std::string_view start : {"/proc/1/root", "/proc/self/cwd", "/tmp", "/proc/self/fd/0"}) {
    attempt_to_open(std::string(start) + "/../../../../../.." + secret, O_RDONLY);
  }
  attempt("openat from a descriptor", openat(kSocket, "..", O_RDONLY));
  attempt("open a file handle", syscall(SYS_open_by_handle_at, AT_FDCWD, nullptr, O_RDONLY));
}

/// Of this process, of every other that is seen, of the program that started it.
void read_environments() {
  constexpr std::string_view kSecret = "GUST_HOSTILE_SECRET";
  attempt("inherit a variable of the invoker", getenv(kSecret.data()) != nullptr ? 0 : -1);
  DIR* processes = opendir("/proc");
  while (const dirent* entry = readdir(processes)) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    const int file = open((std::string("/proc/") + entry->d_name + "/environ").c_str(), O_RDONLY | O_CLOEXEC);
    std::vector<char> text(64 << 10);
    const ssize_t size = read(file, text.data(), text.size());
    const bool found = size > 0 && std::string_view(text.data(), static_cast<std::size_t>(size)).contains(kSecret);
    attempt(std::string("read the environment of process ") + entry->d_name, found ? 0 : -1);
    close(file);
  }
  closedir(processes);
}

/// Whether the text whose letters are these, each raised by one, is in this process's memory, where it is not because
/// of the search.
bool is_in_memory(std::string_view raised) {
  std::ifstream maps("/proc/self/maps");
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  std::vector<char> part(1 << 20);
  const auto same = [](char found, char wanted) { return static_cast<char>(found + 1) == wanted; };
  bool found = false;
  for (std::string line; !found && std::getline(maps, line);) {
    unsigned long at = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx r", &at, &end) != 2) continue;
    while (at < end && !found) {
      const ssize_t size = pread(memory, part.data(), std::min(part.size(), end - at), static_cast<off_t>(at));
      if (size <= 0) break;
      found = std::search(part.begin(), part.begin() + size, raised.begin(), raised.end(), same) != part.begin() + size;
      at += static_cast<unsigned long>(size);
    }
  }
  close(memory);
  return found;
}

void search_own_memory(const std::string& raised) {
  attempt("find nothing at all", is_in_memory("BSHVNFOU>") ? -1 : 0);  // "ARGUMENT=", of its own environment
  attempt("find what another pack was given", is_in_memory(raised) ? 0 : -1);
}

void write_to_what_is_shared() {
  for (const char* path :
       {"/new", "/usr/new", "/etc/new", "/gust/new", "/dev/new", "/sys/new", "/proc/new", "/run/new"}) {
    attempt_to_open(path, O_WRONLY | O_CREAT);
  }
  for (const char* path :
       {"/etc/passwd", "/usr/bin/env", "/gust/gust-pack", "/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern",
        "/proc/sys/vm/overcommit_memory", "/proc/sysrq-trigger", "/proc/self/oom_score_adj", "/proc/self/uid_map",
        "/sys/fs/cgroup/cgroup.procs", "/proc/1/mem"}) {
    attempt_to_open(path, O_WRONLY);
  }
  attempt("remove a program", unlink("/usr/bin/env"));
  attempt("change a program's mode", chmod("/gust/gust-pack", 0777));
}

void reach_other_processes(pid_t victim) {
  attempt("kill a process of the host", kill(victim, SIGKILL));
  attempt("kill the thread of a process of the host", syscall(SYS_tgkill, victim, victim, SIGKILL));
  attempt("descriptor of a process of the host", syscall(SYS_pidfd_open, victim, 0));
  attempt("kill all", kill(-1, SIGKILL));
  attempt("trace a process of the host", ptrace(PTRACE_ATTACH, victim, nullptr, nullptr));
  attempt("be traced", ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
  attempt("read another's memory", syscall(SYS_process_vm_readv, victim, nullptr, 0, nullptr, 0, 0));
  attempt("write another's memory", syscall(SYS_process_vm_writev, victim, nullptr, 0, nullptr, 0, 0));
  attempt("take another's descriptor", syscall(SYS_pidfd_getfd, 0, 0, 0));
  attempt("priority of a process of the host", setpriority(PRIO_PROCESS, static_cast<id_t>(victim), 10));
  DIR* processes = opendir("/proc");
  while (const dirent* entry = readdir(processes)) {
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && std::string_view(entry->d_name) != "1") {
      attempt(std::string("see process ") + entry->d_name, 0);
    }
  }
  closedir(processes);
}

int nothing(void* /*argument*/) { return 0; }

void make_namespaces_and_mounts() {
  constexpr int kFlags[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                            CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};
  static char stack[64 << 10];
  for (const int flag : kFlags) {
    attempt("unshare " + std::to_string(flag), unshare(flag));
    attempt("clone " + std::to_string(flag), clone(nothing, stack + sizeof stack, flag | SIGCHLD, nullptr));
  }
  attempt("clone3", syscall(SYS_clone3, nullptr, 0));
  for (const char* name : {"mnt", "pid", "net", "user"}) {
    const int file = open((std::string("/proc/self/ns/") + name).c_str(), O_RDONLY | O_CLOEXEC);
    attempt(std::string("setns ") + name, setns(file, 0));
  }
  attempt("mount", mount("x", "/tmp", "tmpfs", 0, nullptr));
  attempt("remount", mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND, nullptr));
  attempt("bind", mount("/proc", "/tmp", nullptr, MS_BIND, nullptr));
  attempt("umount /proc", umount2("/proc", MNT_DETACH));
  attempt("umount /proc/keys", umount2("/proc/keys", MNT_DETACH));
  attempt("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1));
  attempt("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
  attempt("pivot_root", syscall(SYS_pivot_root, ".", "."));
  attempt("chroot", chroot("/tmp"));
}

void use_the_kernel() {
  struct Call {
    const char* name;
    long number;
  };
  constexpr Call kCalls[] = {
      {"bpf", SYS_bpf},
      {"keyctl", SYS_keyctl},
      {"add_key", SYS_add_key},
      {"request_key", SYS_request_key},
      {"perf_event_open", SYS_perf_event_open},
      {"init_module", SYS_init_module},
      {"finit_module", SYS_finit_module},
      {"delete_module", SYS_delete_module},
      {"kexec_load", SYS_kexec_load},
      {"io_uring_setup", SYS_io_uring_setup},
      {"userfaultfd", SYS_userfaultfd},
      {"swapon", SYS_swapon},
      {"swapoff", SYS_swapoff},
      {"reboot", SYS_reboot},
      {"sethostname", SYS_sethostname},
      {"settimeofday", SYS_settimeofday},
      {"clock_settime", SYS_clock_settime},
      {"adjtimex", SYS_adjtimex},
      {"syslog", SYS_syslog},
      {"acct", SYS_acct},
      {"quotactl", SYS_quotactl},
      {"fanotify_init", SYS_fanotify_init},
      {"name_to_handle_at", SYS_name_to_handle_at},
      {"kcmp", SYS_kcmp},
      {"migrate_pages", SYS_migrate_pages},
      {"seccomp", SYS_seccomp},
      {"landlock_create_ruleset", SYS_landlock_create_ruleset},
  };
  // A bad argument, so that the call is refused even if the filter lets it through: then with another error.
  for (const Call& call : kCalls) {
    errno = 0;
    const long outcome = syscall(call.number, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL);
    attempt(call.name, outcome >= 0 || errno != ENOSYS ? 0 : -1);
  }
  attempt("raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  attempt("packet socket", socket(AF_PACKET, SOCK_RAW, 0));
  attempt("netlink socket of the audit", socket(AF_NETLINK, SOCK_RAW, 9));
  attempt("socket of the kernel's cryptography", socket(AF_ALG, SOCK_SEQPACKET, 0));
  attempt("socket to the hypervisor", socket(AF_VSOCK, SOCK_STREAM, 0));
  attempt("executable data", personality(READ_IMPLIES_EXEC));
}

std::string status_line(std::string_view key) {
  FILE* file = std::fopen("/proc/self/status", "re");
  char line[256];
  std::string found;
  while (file != nullptr && std::fgets(line, sizeof line, file) != nullptr) {
    if (std::string_view(line).starts_with(key)) found = line;
  }
  if (file != nullptr) std::fclose(file);
  return found;
}

void gain_privileges() {
  attempt("become root", setresuid(0, 0, 0));
  attempt("become root's group", setresgid(0, 0, 0));
  attempt("join groups", setgroups(0, nullptr));
  attempt("make a device", mknod("/tmp/device", S_IFBLK | 0600, makedev(254, 0)));
  attempt("a fifth of a second of real time", sched_setscheduler(0, SCHED_FIFO, nullptr));
  const rlimit files{1 << 20, 1 << 20};
  attempt("raise a limit", setrlimit(RLIMIT_NOFILE, &files));
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    if (status_line(set) != std::string(set) + ":\t0000000000000000\n") attempt(status_line(set), 0);
  }
  if (status_line("NoNewPrivs") != "NoNewPrivs:\t1\n") attempt("gain by execve", 0);
  if (status_line("Seccomp:") != "Seccomp:\t2\n") attempt("no filter", 0);
  for (const char* path : {"/", "/usr", "/tmp", "/gust/gust-pack"}) {
    struct statvfs file_system{};
    if (statvfs(path, &file_system) != 0 || (file_system.f_flag & ST_NOSUID) == 0) {
      attempt(std::string("set-user-id programs in ") + path, 0);
    }
  }
  // It would write the file as root; it may not even read its own configuration's secrets.
  const pid_t child = fork();
  if (child == 0) {
    char* const arguments[] = {const_cast<char*>("su"), const_cast<char*>("-c"), const_cast<char*>("true"), nullptr};
    close(STDERR_FILENO);
    execv("/usr/bin/su", arguments);
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  attempt("set-user-id program", status == 0 ? 0 : -1);
}

void reach_the_network(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  attempt("connect", connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address));
}

/// As many processes as there can be, and how many that is.
void fork_bomb() {
  int count = 0;
  while (true) {
    const pid_t pid = fork();
    if (pid == 0) {
      signal(SIGTERM, SIG_IGN);
      setsid();
      while (true) pause();
    }
    if (pid < 0) break;
    ++count;
  }
  tell(std::to_string(count));
}

/// As much in files as there can be, in MiB.
void fill(const char* path) {
  const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  std::vector<char> part(1 << 20, 'x');
  int count = 0;
  while (count < 1000 && write(file, part.data(), part.size()) == static_cast<ssize_t>(part.size())) ++count;
  tell(std::to_string(count));
}

/// Small files until there can be no more.
void fill_with_files() {
  int count = 0;
  for (; count < 1'000'000; ++count) {
    const int file = open(("/tmp/" + std::to_string(count)).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) break;
    close(file);
  }
  tell(std::to_string(count));
}

/// By what is open: nothing but what it was given, and nothing of that leads anywhere.
void follow_descriptors() {
  DIR* open_ones = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(open_ones)) {
    const int number = std::atoi(entry->d_name);
    if (entry->d_name[0] == '.' || number == dirfd(open_ones)) continue;
    if (number > kSocket) attempt(std::string("left open: ") + entry->d_name, 0);
    attempt(std::string("openat from ") + entry->d_name, openat(number, "..", O_RDONLY));
    struct stat status{};
    if (fstat(number, &status) == 0 && S_ISDIR(status.st_mode))
      attempt(std::string("a directory: ") + entry->d_name, 0);
  }
  closedir(open_ones);
  attempt("the program's file", open("/proc/self/exe", O_WRONLY | O_CLOEXEC));
  attempt("a console", open("/dev/tty", O_RDWR | O_CLOEXEC));
}

/// Links to what belongs to the host, under names that somebody might clean up, or write to.
void plant_links(const char* target) {
  for (const char* name : {"/tmp/link", "/tmp/core", "/tmp/gust-moved-0", "/tmp/x"}) {
    if (symlink(target, name) != 0 && errno != EEXIST) attempt("no link", 0);
  }
  if (mkdir("/tmp/closed", 0) != 0) attempt("no directory", 0);
  tell("planted");
}

/// Something that does not want to end, in a session of its own.
void stay() {
  if (fork() == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) signal(number, SIG_IGN);
    tell("I");
    while (true) pause();
  }
  signal(SIGTERM, SIG_IGN);
}

void open_many() {
  int count = 0;
  while (open("/dev/null", O_RDONLY) >= 0) ++count;
  tell((errno == EMFILE ? "EMFILE after " : "another error after ") + std::to_string(count));
}

void wait_for_end() {
  char byte = 0;
  while (recv(kSocket, &byte, 1, 0) > 0) continue;
}

}  // namespace

int pack_main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]).starts_with(gust::pack::kPrewarmedFlag) && !gust::pack::await_claim(0)) {
    return 98;
  }
  const char* variable = getenv("DO");
  const std::string what = variable == nullptr ? "" : variable;
  const char* argument = getenv("ARGUMENT");
  if (what == "bomb") {
    fork_bomb();
  } else if (what == "fill") {
    fill(argument);
  } else if (what == "files") {
    fill_with_files();
  } else if (what == "links") {
    plant_links(argument);
  } else if (what == "stay") {
    stay();
  } else if (what == "openfiles") {
    open_many();
  } else if (what == "memory") {
    // In a child, which the kernel may choose instead of this process.
    if (fork() == 0) {
      for (;;) memset(mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, 1 << 20);
    }
    wait(nullptr);
    tell("survived");
  } else {
    if (what == "read") read_the_host(argument);
    if (what == "read") read_environments();
    if (what == "own memory") search_own_memory(argument);
    if (what == "write") write_to_what_is_shared();
    if (what == "processes") reach_other_processes(std::atoi(argument));
    if (what == "namespaces") make_namespaces_and_mounts();
    if (what == "kernel") use_the_kernel();
    if (what == "descriptors") follow_descriptors();
    if (what == "network") reach_the_network(std::atoi(argument));
    if (what == "privileges") gain_privileges();
    tell(succeeded.empty() ? "none" : succeeded);
  }
  wait_for_end();
  return 0;
}
