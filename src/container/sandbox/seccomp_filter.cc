#include "container/sandbox/seccomp_filter.h"

#include <seccomp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <linux/seccomp.h>
#include <memory>
#include <span>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "container/sandbox/allowed_calls.h"

namespace gust::container {
namespace {

using Context = std::unique_ptr<void, decltype(&seccomp_release)>;

int allow(scmp_filter_ctx context, const char* name, std::span<const scmp_arg_cmp> arguments = {}) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return 0;  // not of this architecture
  return seccomp_rule_add_array(context, SCMP_ACT_ALLOW, number, static_cast<unsigned>(arguments.size()),
                                arguments.data());
}

int allow(scmp_filter_ctx context, const ConditionalCall& call) {
  std::array<scmp_arg_cmp, 2> arguments{};
  for (unsigned i = 0; i < call.count; ++i) {
    const ArgumentTest& test = call.tests[i];
    arguments[i] = {.arg = test.index, .op = SCMP_CMP_MASKED_EQ, .datum_a = test.mask, .datum_b = test.value};
  }
  return allow(context, call.name, std::span(arguments).first(call.count));
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
  for (const ConditionalCall& call : kConditionalCalls) {
    if (error == 0) error = allow(context.get(), call);
  }
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
