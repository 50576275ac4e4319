#include "container/sandbox/seccomp_filter.h"

#include <seccomp.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <linux/seccomp.h>
#include <memory>
#include <span>
#include <string_view>
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

/// Takes the launcher's calls away, and namespaces from clone().
std::vector<sock_filter> forbid_launcher_calls() {
  static_assert(std::endian::native == std::endian::little, "the lower half of an argument comes first");
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  constexpr std::size_t kRefusal = std::size(kLauncherCalls) + 5;
  const auto to_refusal = [&] { return static_cast<unsigned char>(kRefusal - program.size() - 1); };
  for (const char* name : kLauncherCalls) {
    const int number = seccomp_syscall_resolve_name(name);
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), to_refusal(), 0));
  }
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 2));
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, static_cast<unsigned>(kNamespaceFlags), to_refusal(), 0));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
  return program;
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
  for (const char* name : kLauncherCalls) {
    if (error == 0) error = allow(context.get(), name);
  }
  for (const ConditionalCall& call : kConditionalCalls) {
    if (error != 0) break;
    error = std::string_view(call.name) == "clone" ? allow(context.get(), call.name) : allow(context.get(), call);
  }
  const UniqueFd text(memfd_create("seccomp", MFD_CLOEXEC));
  if (error == 0) error = seccomp_export_bpf(context.get(), text.get());
  if (error != 0) return {Step::kSeccompCompile, -error};
  const off_t size = lseek(text.get(), 0, SEEK_END);
  shared_.resize(static_cast<std::size_t>(size) / sizeof(sock_filter));
  if (pread(text.get(), shared_.data(), static_cast<std::size_t>(size), 0) != size) {
    return {Step::kSeccompCompile, errno};
  }
  own_ = forbid_launcher_calls();
  return {};
}

bool SeccompFilter::install(const std::vector<sock_filter>& program) {
  const sock_fprog given{.len = static_cast<unsigned short>(program.size()),
                         .filter = const_cast<sock_filter*>(program.data())};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &given) == 0;
}

}  // namespace gust::container
