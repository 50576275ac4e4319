#include "container/sandbox/seccomp_filter.h"

#include <seccomp.h>
#include <unistd.h>

#include <cerrno>
#include <linux/seccomp.h>
#include <memory>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "container/sandbox/allowed_calls.h"

namespace gust::container {
namespace {

using Context = std::unique_ptr<void, decltype(&seccomp_release)>;

/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: no namespaces of their own, in which they would
/// have every capability.
constexpr std::uint64_t kNamespaceFlags = 0x7e02'0000;

int allow(scmp_filter_ctx context, const char* name, std::initializer_list<scmp_arg_cmp> arguments = {}) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return 0;  // not of this architecture
  return seccomp_rule_add_array(context, SCMP_ACT_ALLOW, number, static_cast<unsigned>(arguments.size()),
                                arguments.begin());
}

int allow_with_conditions(scmp_filter_ctx context) {
  constexpr auto kArgument = [](unsigned index, scmp_compare compare, std::uint64_t value, std::uint64_t other = 0) {
    return scmp_arg_cmp{.arg = index, .op = compare, .datum_a = value, .datum_b = other};
  };
  int error = allow(context, "clone", {kArgument(0, SCMP_CMP_MASKED_EQ, kNamespaceFlags, 0)});
  for (const std::uint64_t family : {AF_UNIX, AF_INET, AF_INET6}) {
    for (const char* name : {"socket", "socketpair"}) {
      if (error == 0) error = allow(context, name, {kArgument(0, SCMP_CMP_EQ, family)});
    }
  }
  // What getaddrinfo() asks for the machine's addresses: protocol NETLINK_ROUTE.
  if (error == 0) {
    error = allow(context, "socket", {kArgument(0, SCMP_CMP_EQ, AF_NETLINK), kArgument(2, SCMP_CMP_EQ, 0)});
  }
  // To ask which it is, and what debuggers and some run-times set: no address randomisation, READ_IMPLIES_EXEC is not
  // among them.
  for (const std::uint64_t personality : {0x0ULL, 0x4'0000ULL, 0xffff'ffffULL}) {
    if (error == 0) error = allow(context, "personality", {kArgument(0, SCMP_CMP_EQ, personality)});
  }
  return error;
}

}  // namespace

Failure SeccompFilter::compile() {
  // What is not named does not exist: programs have a second way for system calls that a kernel lacks (the C library
  // for clone3, of which no filter can see the flags), and seldom one for those that it refuses.
  const Context context(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), seccomp_release);
  if (!context) return {Step::kSeccompCompile, ENOMEM};
  int error = seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a tree, not a list
  for (const char* name : kAllowedCalls) {
    if (error == 0) error = allow(context.get(), name);
  }
  if (error == 0) error = allow_with_conditions(context.get());
  const UniqueFd text(memfd_create("seccomp", MFD_CLOEXEC));
  if (error == 0) error = seccomp_export_bpf(context.get(), text.get());
  if (error != 0) return {Step::kSeccompCompile, -error};
  const off_t size = lseek(text.get(), 0, SEEK_END);
  program_.resize(static_cast<std::size_t>(size) / sizeof(sock_filter));
  if (pread(text.get(), program_.data(), static_cast<std::size_t>(size), 0) != size) {
    return {Step::kSeccompCompile, errno};
  }
  return {};
}

bool SeccompFilter::install() const {
  const sock_fprog program{.len = static_cast<unsigned short>(program_.size()),
                           .filter = const_cast<sock_filter*>(program_.data())};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

}  // namespace gust::container
