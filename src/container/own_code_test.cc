#include "container/launcher/own_code.h"

#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>

namespace gust::container {
namespace {

struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::string permissions;
  std::string path;
  std::size_t resident = 0;  // bytes that this process has mapped already
};

// The part of this process's memory in which `address` lies, as proc_pid_smaps(5) tells it.
Mapping mapping_of(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  Mapping mapping;
  for (std::string line; std::getline(smaps, line);) {
    char permissions[8] = {};
    char path[4096] = {};
    std::size_t kilobytes = 0;
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %7s %*s %*s %*s %4095s", &begin, &end, permissions,
                    path) >= 3) {
      mapping = {.begin = begin, .end = end, .permissions = permissions, .path = path};
    } else if (std::sscanf(line.c_str(), "Rss: %zu kB", &kilobytes) == 1) {
      mapping.resident = kilobytes << 10;
      const auto wanted = reinterpret_cast<std::uintptr_t>(address);
      if (mapping.begin <= wanted && wanted < mapping.end) return mapping;
    }
  }
  return {};
}

bool huge_pages_are_given() {
  std::string enabled;
  std::getline(std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled"), enabled);
  return !enabled.empty() && enabled.find("[never]") == std::string::npos;
}

// In a process of its own, since there is no way back.
template <typename Check>
int exit_code_of_fork(Check check) {
  const pid_t pid = fork();
  if (pid == 0) _exit(check());
  int status = -1;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int check_inherited(const void* code) {
  const Mapping mapping = mapping_of(code);
  const bool whole = mapping.resident == mapping.end - mapping.begin;
  return mapping.permissions == "r-xp" && mapping.path.empty() && mapping.resident != 0 && whole ? 0 : 1;
}

TEST(OwnCode, AForkedProcessHasAllOfItMapped) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "what lies between constants is copied with them, and is the sanitizer's; packs are executed there";
#endif
#endif
  if (!huge_pages_are_given()) GTEST_SKIP() << "the kernel gives no huge pages";
  const auto* own = reinterpret_cast<const void*>(&check_inherited);
  const auto* of_libc = reinterpret_cast<const void*>(&std::fopen);
  ASSERT_NE(check_inherited(own), 0) << "it is what this test would see in any case";
  const int code = exit_code_of_fork([&] {
    make_code_inheritable();
    return exit_code_of_fork([&] { return check_inherited(own) + (2 * check_inherited(of_libc)); });
  });
  EXPECT_EQ(code, 0) << "1: not this program's, 2: not the C library's, 3: neither";
}

}  // namespace
}  // namespace gust::container
