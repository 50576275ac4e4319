#include "container/oci/runtime_config.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <utility>

#include "container/sandbox/allowed_calls.h"
#include "container/sandbox/paths.h"
#include "container/sandbox/private_mounts.h"

namespace gust::container {
namespace {

constexpr const char* kMasked[] = {"/proc/asound",     "/proc/acpi",        "/proc/cmdline", "/proc/kcore",
                                   "/proc/kallsyms",   "/proc/keys",        "/proc/modules", "/proc/latency_stats",
                                   "/proc/timer_list", "/proc/sched_debug", "/proc/scsi",    "/sys/firmware"};
constexpr const char* kReadOnly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
/// A worker has the share of an ordinary process, unless it is told otherwise; what runtimes take.
constexpr std::uint64_t kSharesOfOne = 1024;
constexpr std::uint64_t kFewestShares = 2;
constexpr std::uint64_t kMostShares = 262'144;
/// gust-pack's own thread, and that of a runtime while it becomes gust-pack.
constexpr std::uint32_t kOwnThreads = 2;

std::uint64_t tmp_bytes(const Limits& limits) {
  return limits.tmp.count() != 0 ? limits.tmp.count() : limits.memory.count();
}

Json mount(const char* where, const char* type, Json options) {
  return {{"destination", where}, {"type", type}, {"source", type}, {"options", std::move(options)}};
}

Json mounts(const OciContainer& container) {
  Json tmp = {"nosuid", "nodev", "mode=0700", fmt::format("uid={}", container.user),
              fmt::format("gid={}", container.user)};
  if (const std::uint64_t bytes = tmp_bytes(container.limits); bytes != 0) {
    tmp.push_back(fmt::format("size={}", bytes));
    tmp.push_back(fmt::format("nr_inodes={}", inodes_for(bytes)));
  }
  Json all = {mount("/proc", "proc", {"nosuid", "nodev", "noexec", "ro"}),
              mount("/dev", "tmpfs", {"nosuid", "noexec", "mode=755", "size=64k"}), mount("/tmp", "tmpfs", tmp),
              mount("/dev/shm", "tmpfs", tmp)};
  for (const ShownPath& shown : container.root.shown) {
    all.push_back({{"destination", shown.inside},
                   {"type", "bind"},
                   {"source", shown.host},
                   {"options", {"rbind", "ro", "nosuid", "nodev"}}});
  }
  return all;
}

Json seccomp() {
  Json names = Json::array();
  for (const char* name : kAllowedCalls) names.push_back(name);
  Json calls = {{{"names", std::move(names)}, {"action", "SCMP_ACT_ALLOW"}}};
  for (const ConditionalCall& call : kConditionalCalls) {
    Json arguments = Json::array();
    for (unsigned i = 0; i < call.count; ++i) {
      const ArgumentTest& test = call.tests[i];
      arguments.push_back(
          {{"index", test.index}, {"value", test.mask}, {"valueTwo", test.value}, {"op", "SCMP_CMP_MASKED_EQ"}});
    }
    calls.push_back({{"names", {call.name}}, {"action", "SCMP_ACT_ALLOW"}, {"args", std::move(arguments)}});
  }
  return {{"defaultAction", "SCMP_ACT_ERRNO"}, {"defaultErrnoRet", ENOSYS}, {"syscalls", std::move(calls)}};
}

Json resources(const Limits& limits) {
  const std::uint64_t shares = kSharesOfOne * std::max(1U, limits.workers) * std::max(1U, limits.cpu_percent) / 100;
  Json all = {{"devices", {{{"allow", false}, {"access", "rwm"}}}},
              {"cpu", {{"shares", std::clamp(shares, kFewestShares, kMostShares)}}}};
  if (limits.memory.count() != 0) all["memory"] = {{"limit", limits.memory.count()}};
  if (limits.processes != 0) all["pids"] = {{"limit", limits.processes + limits.workers + kOwnThreads}};
  return all;
}

Json namespaces(Network network) {
  Json all = Json::array();
  for (const char* type : {"pid", "mount", "ipc", "uts", "cgroup"}) all.push_back({{"type", type}});
  if (network == Network::kNone) all.push_back({{"type", "network"}});
  return all;
}

Json process(const OciContainer& container) {
  const Json none = Json::array();
  const auto limit = [](const char* type, std::uint64_t value) {
    return Json{{"type", type}, {"hard", value}, {"soft", value}};
  };
  return {{"terminal", false},
          {"user", {{"uid", container.user}, {"gid", container.user}}},
          {"args", {kPackInside}},
          {"env", container.environment},
          {"cwd", container.root.directory},
          {"capabilities",
           {{"bounding", none}, {"effective", none}, {"inheritable", none}, {"permitted", none}, {"ambient", none}}},
          {"rlimits", {limit("RLIMIT_NOFILE", container.limits.open_files), limit("RLIMIT_CORE", 0)}},
          {"noNewPrivileges", true}};
}

}  // namespace

Json runtime_config(const OciContainer& container) {
  return {{"ociVersion", "1.0.2"},
          {"hostname", "gust"},
          {"process", process(container)},
          {"root", {{"path", container.root.path}, {"readonly", true}}},
          {"mounts", mounts(container)},
          {"linux",
           {{"namespaces", namespaces(container.network)},
            {"cgroupsPath", container.cgroup},
            {"resources", resources(container.limits)},
            {"maskedPaths", kMasked},
            {"readonlyPaths", kReadOnly},
            {"seccomp", seccomp()}}}};
}

}  // namespace gust::container
