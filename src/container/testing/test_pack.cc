// Stands in for gust-pack in the driver's conformance test: does what its environment variable DO says.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "container/testing/pack_main.h"
#include "pack/prewarm.h"

namespace {

constexpr int kSocket = 3;

void tell(const std::string& text) {
  if (send(kSocket, text.data(), text.size(), MSG_NOSIGNAL) < 0) _exit(99);
}

[[noreturn]] void wait_for_ever() {
  while (true) pause();
}

/// Sends back what comes, until the other end is closed.
int echo() {
  char buffer[256];
  for (ssize_t size = 0; (size = recv(kSocket, buffer, sizeof buffer, 0)) > 0;) {
    tell(std::string(buffer, static_cast<std::size_t>(size)));
  }
  return 0;
}

std::string open_descriptors() {
  std::string numbers;
  for (int number = 0; number < 4096; ++number) {
    if (fcntl(number, F_GETFD) != -1) numbers += std::to_string(number) + " ";
  }
  return numbers;
}

std::string describe() {
  char directory[PATH_MAX] = "";
  char input[PATH_MAX] = "";
  if (getcwd(directory, sizeof directory) == nullptr || readlink("/proc/self/fd/0", input, sizeof input - 1) < 0) {
    return "?";
  }
  rlimit data{};
  rlimit files{};
  rlimit core{};
  getrlimit(RLIMIT_DATA, &data);
  getrlimit(RLIMIT_NOFILE, &files);
  getrlimit(RLIMIT_CORE, &core);
  sigset_t mask;
  sigprocmask(SIG_BLOCK, nullptr, &mask);
  bool signals_default = sigisemptyset(&mask) != 0;
  for (int number = 1; number < SIGRTMIN; ++number) {
    struct sigaction action{};
    if (sigaction(number, nullptr, &action) == 0) signals_default &= action.sa_handler == SIG_DFL;
  }
  std::string text = std::string("cwd=") + directory + "\nstdin=" + input + "\ndescriptors=" + open_descriptors();
  text += "\nlimits=" + std::to_string(data.rlim_max) + " " + std::to_string(files.rlim_max) + " " +
          std::to_string(core.rlim_max);
  text += std::string("\nown group=") + (getpgrp() == getpid() ? "yes" : "no");
  text += std::string("\nsignals=") + (signals_default ? "default" : "changed") + "\nenvironment=";
  for (char** variable = environ; *variable != nullptr; ++variable) text += std::string(*variable) + ";";
  return text;
}

/// What a file holds, and whether it and its folder can be changed.
std::string look(const std::string& path) {
  char text[256];
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::strerror(errno);
  const ssize_t size = read(file, text, sizeof text);
  const bool fixed = open(path.c_str(), O_WRONLY | O_CLOEXEC) < 0 &&
                     open((path + ".new").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600) < 0;
  return std::string(text, static_cast<std::size_t>(size)) + (fixed ? ", fixed" : ", changeable");
}

std::string describe_limits() {
  rlimit files{};
  rlimit processes{};
  getrlimit(RLIMIT_NOFILE, &files);
  getrlimit(RLIMIT_NPROC, &processes);
  struct statvfs tmp{};
  statvfs("/tmp", &tmp);
  return "files=" + std::to_string(files.rlim_max) + " processes=" + std::to_string(processes.rlim_max) +
         " tmp=" + std::to_string(tmp.f_blocks * tmp.f_frsize) + "\n";
}

/// Dies of a real fault, which no process survives, the first of a process namespace neither.
int crash() {
  volatile int* nowhere = nullptr;
  return *nowhere;
}

/// Uses so many MiB of memory.
void use_memory(std::size_t mib) {
  for (std::size_t i = 0; i < mib; ++i) {
    void* page = mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) _exit(55);
    memset(page, 1, 1 << 20);
  }
}

/// Whether so many MiB of private memory, and half as much, can be had.
std::string map_memory(std::size_t mib) {
  const auto can_map = [](std::size_t size) {
    return mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
  };
  const char* whole = can_map(mib << 20) ? "whole: yes" : "whole: no";
  return std::string(whole) + (can_map(mib << 19) ? ", half: yes" : ", half: no");
}

/// Leaves a child that sends a packet, so that the other side learns who it is, and waits for ever; and goes on.
void leave_child(bool daemon) {
  if (fork() == 0) {
    if (daemon) {
      setsid();
      if (fork() != 0) _exit(0);
    }
    tell("I");
    wait_for_ever();
  }
  if (daemon) wait(nullptr);
}

/// Files, links that lead out, directories without permissions and one that is nested deeply.
void fill_directory(const char* outside) {
  for (int i = 0; i < 3000; ++i) close(open(("file" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY, 0600));
  if (symlink(outside, "link") != 0 || mkdir("closed", 0700) != 0 || mkdir("closed/inner", 0700) != 0 ||
      chmod("closed", 0) != 0) {
    _exit(97);
  }
  for (int depth = 0; depth < 500; ++depth) {
    if (mkdir("deep", 0700) != 0 || chdir("deep") != 0) _exit(97);
    if (symlink(outside, "link") != 0) _exit(97);
  }
}

}  // namespace

int pack_main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]).starts_with(gust::pack::kPrewarmedFlag) && !gust::pack::await_claim(0)) {
    return 98;
  }
  const char* variable = getenv("DO");
  const std::string what = variable == nullptr ? "" : variable;
  const char* argument = getenv("ARGUMENT");
  if (what == "echo") return echo();
  if (what == "exit") return std::atoi(argument);
  if (what == "look") {
    tell(look(argument));
    return 0;
  }
  if (what == "crash") return crash();
  if (what == "print") {
    std::printf("to output\n");
    std::fprintf(stderr, "to error\n");
  } else if (what == "describe") {
    tell(describe());
  } else if (what == "limits") {
    tell(describe_limits());
  } else if (what == "memory") {
    tell(map_memory(static_cast<std::size_t>(std::atoi(argument))));
  } else if (what == "use") {
    use_memory(static_cast<std::size_t>(std::atoi(argument)));
    tell("used");
    return echo();
  } else if (what == "child" || what == "daemon") {
    leave_child(what == "daemon");
    return echo();
  } else if (what == "fill") {
    fill_directory(argument);
    return echo();
  }
  return 0;
}
