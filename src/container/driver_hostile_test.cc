// Code that tries to get out of a sandbox, or to take from others what they need. Every attempt must fail, and other
// containers must not notice.
#include <arpa/inet.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>

#include "container/sandbox/cgroup_paths.h"
#include "container/testing/driver_harness.h"

namespace gust::container::testing {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;

constexpr ContainerId kAttacker = 1;
constexpr ContainerId kBystander = 2;
constexpr char kSecretOfBystander[] = "known to the bystander alone";

class HostileTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!sandbox_refusal().empty()) GTEST_SKIP() << sandbox_refusal();
    setenv("GUST_HOSTILE_SECRET", "of the invoker", 1);
    harness_.emplace(GetParam(), GUST_HOSTILE_PACK);
    auto [spec, ends] = make_spec(kBystander, "wait", kSecretOfBystander);
    bystander_ = std::move(ends);
    start(std::move(spec));
    EXPECT_EQ(bystander_.receive(), "none");
  }
  /// The other container is as it was, and new ones can be had.
  void TearDown() override {
    if (!harness_) return;
    EXPECT_FALSE(harness_->exited().contains(kBystander));
    const OtherEnds next = attack("wait", "", {.memory = Bytes::mb(64)}, 99);
    EXPECT_EQ(next.receive(), "none");
  }

  void start(Spec spec) {
    std::vector<Spec> specs;
    specs.push_back(std::move(spec));
    ASSERT_TRUE(harness_->driver().start(std::move(specs)));
  }
  OtherEnds attack(const std::string& what, const std::string& argument = "",
                   const Limits& limits = {.memory = Bytes::mb(64)}, ContainerId id = kAttacker) {
    auto [spec, ends] = make_spec(id, what, argument);
    spec.limits = limits;
    EXPECT_TRUE(!is_prewarmed(GetParam()) || harness_->wait_prewarmed(kPrewarmedContainers));
    start(std::move(spec));
    EXPECT_TRUE(harness_->pump_until([&] { return harness_->launched().contains(id); }));
    EXPECT_EQ(harness_->launched().at(id).prewarmed, is_prewarmed(GetParam()));
    return std::move(ends);
  }

  /// Processes that it may have beyond its limit.
  [[nodiscard]] static int spare() { return is_oci(GetParam()) ? 1 : 0; }

  std::optional<Harness> harness_;
  OtherEnds bystander_;
};

TEST_P(HostileTest, ReadsNothingOfTheHost) {
  const std::filesystem::path secret = harness_->directory() / "secret";
  std::ofstream(secret) << "of the invoker";
  std::filesystem::permissions(secret, std::filesystem::perms(0644));
  EXPECT_EQ(attack("read", secret).receive(), "none");
}

/// Not even what a pack that is forked has inherited of the launcher's memory tells what others were given.
TEST_P(HostileTest, FindsNothingOfOthersInItsOwnMemory) {
  std::string raised = kSecretOfBystander;
  for (char& letter : raised) ++letter;
  EXPECT_EQ(attack("own memory", raised).receive(), "none");
}

TEST_P(HostileTest, WritesToNothingThatIsShared) { EXPECT_EQ(attack("write").receive(), "none"); }

TEST_P(HostileTest, ReachesNoOtherProcess) {
  EXPECT_EQ(attack("processes", std::to_string(getpid())).receive(), "none");
}

TEST_P(HostileTest, MakesNoNamespacesAndMounts) { EXPECT_EQ(attack("namespaces").receive(), "none"); }

TEST_P(HostileTest, UsesNothingOfTheKernelThatIsNotForPrograms) { EXPECT_EQ(attack("kernel").receive(), "none"); }

// A runtime mounts the root itself, and takes no wish for it: there the container's no-new-privileges alone makes
// set-user-id programs ordinary ones.
TEST_P(HostileTest, GainsNoPrivileges) {
  EXPECT_EQ(attack("privileges").receive(), is_oci(GetParam()) ? "set-user-id programs in /\n" : "none");
}

TEST_P(HostileTest, FollowsNoDescriptorOut) { EXPECT_EQ(attack("descriptors").receive(), "none"); }

/// What it leaves where the host looks: its /tmp is its own, and the host follows nothing in it.
TEST_P(HostileTest, PlantsNoLinkForTheHostToFollow) {
  const std::filesystem::path secret = harness_->directory() / "precious";
  std::ofstream(secret) << "of the host";
  const OtherEnds ends = attack("links", secret);
  EXPECT_EQ(ends.receive(), "planted");
  harness_->driver().kill(kAttacker);
  ASSERT_TRUE(harness_->pump_until([&] { return harness_->exited().contains(kAttacker); }));
  std::string kept;
  std::getline(std::ifstream(secret) >> std::ws, kept);
  EXPECT_EQ(kept, "of the host");
  EXPECT_FALSE(harness_->has_working_directory(kAttacker));
}

/// Neither SIGTERM nor a session of its own keeps anything alive.
TEST_P(HostileTest, NothingIgnoresItsEnd) {
  OtherEnds ends = attack("stay");
  const UniqueFd daemon = watch(ends.receive_pid());
  harness_->driver().kill(kAttacker);
  ASSERT_TRUE(harness_->pump_until([&] { return harness_->exited().contains(kAttacker); }));
  pollfd ended{daemon.get(), POLLIN, 0};
  EXPECT_EQ(poll(&ended, 1, 0), 1) << "a process of it lives on";
}

/// 33 threads and processes, one more where a runtime becomes the pack, and no more than what its limit of open files
/// says.
TEST_P(HostileTest, LimitsOfFilesAndProcessesRefuse) {
  const Limits limits{.memory = Bytes::mb(64), .open_files = 40, .workers = 1, .processes = 30};
  EXPECT_EQ(attack("openfiles", "", limits).receive(), "EMFILE after 36");
  EXPECT_THAT(std::stoi(attack("bomb", "", limits, 5).receive()), AllOf(Ge(30), Le(31 + spare())));
}

TEST_P(HostileTest, AForkBombEndsAtItsLimitAndWithItsContainer) {
  OtherEnds ends = attack("bomb", "", {.memory = Bytes::mb(256), .workers = 1, .processes = 100});
  EXPECT_THAT(std::stoi(ends.receive()), AllOf(Ge(90), Le(101 + spare())));
  harness_->driver().kill(kAttacker);
  ASSERT_TRUE(harness_->wait_exited(1));
  EXPECT_FALSE(harness_->exited().at(kAttacker).out_of_memory);
}

TEST_P(HostileTest, AMemoryBombTakesItsOwnContainerOnly) {
  for (const char* how : {"memory", "fill"}) {
    const ContainerId id = how[0];
    // Files count as memory, wherever they are.
    const OtherEnds ends = attack(how, "/dev/shm/file", {.memory = Bytes::mb(32), .tmp = Bytes::mb(1000)}, id);
    const std::string told = ends.receive();
    if (told == "survived") continue;  // the kernel chose the child
    EXPECT_EQ(told, "") << how;
    ASSERT_TRUE(harness_->pump_until([&] { return harness_->exited().contains(id); }));
    EXPECT_TRUE(harness_->exited().at(id).out_of_memory) << how;
  }
}

TEST_P(HostileTest, TmpIsFullAtItsLimit) {
  const Limits limits{.memory = Bytes::mb(64), .tmp = Bytes::mb(10)};
  EXPECT_THAT(std::stoi(attack("fill", "/tmp/file", limits).receive()), AllOf(Ge(8), Le(10)));
  EXPECT_THAT(std::stoi(attack("files", "", limits, 5).receive()), Le(4000));
}

/// What listens on the machine's loopback address, and its port.
std::pair<UniqueFd, std::string> listen_on_loopback() {
  UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(listener.get(), 8), 0);
  EXPECT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return {std::move(listener), std::to_string(ntohs(address.sin_port))};
}

TEST_P(HostileTest, TheNetworkIsTheHostsOrNone) {
  const auto [listener, port] = listen_on_loopback();
  EXPECT_EQ(attack("network", port).receive(), "connect\n");
  harness_.emplace(GetParam(), GUST_HOSTILE_PACK, Network::kNone);
  EXPECT_EQ(attack("network", port).receive(), "none");
}

INSTANTIATE_TEST_SUITE_P(Sandboxes, HostileTest, ::testing::ValuesIn(isolating_drivers()));
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(HostileTest);

std::size_t count_lines(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::size_t count = 0;
  while (std::getline(file, line)) ++count;
  return count;
}

std::size_t count_entries(const std::string& path) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path)) ++count;
  return count;
}

/// Beside this process's own cgroup, in every hierarchy. Not by a walk: others come and go meanwhile.
std::vector<std::filesystem::path> cgroups_of(pid_t launcher) {
  std::vector<std::filesystem::path> found;
  for (const CgroupMount& mount : find_cgroup_mounts()) {
    for (const std::string& parent : {mount.own, mount.mount_point}) {
      const auto path = std::filesystem::path(parent) / ("gust-" + std::to_string(launcher));
      if (std::filesystem::exists(path) && (found.empty() || found.back() != path)) found.push_back(path);
    }
  }
  return found;
}

class SandboxLeftoversTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!sandbox_refusal().empty()) GTEST_SKIP() << sandbox_refusal();
    harness_.emplace("sandbox");
  }
  void run(ContainerId first, ContainerId count) {
    std::vector<OtherEnds> ends;
    for (ContainerId id = first; id < first + count; ++id) ends.push_back(*harness_->start(id, "daemon"));
    ASSERT_TRUE(harness_->wait_launched(first + count));
    launcher_ = launcher_of(harness_->launched().at(first).pid);
    for (const OtherEnds& end : ends) EXPECT_EQ(end.receive(), "I");
    ends.clear();
    ASSERT_TRUE(harness_->wait_exited(first + count));
  }

  std::optional<Harness> harness_;
  pid_t launcher_ = 0;
};

std::uint64_t first_number_in(const std::filesystem::path& path, const std::string& key = "") {
  std::ifstream file(path);
  std::string word;
  while (!key.empty() && file >> word && word != key) continue;
  std::uint64_t number = 0;
  file >> number;
  return number;
}

// The address sanitizer keeps what is freed for a while.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GUST_KEEPS_FREED_MEMORY
#endif
#endif
#ifdef GUST_KEEPS_FREED_MEMORY
constexpr std::uint64_t kSpareKb = 64 << 10;
#else
constexpr std::uint64_t kSpareKb = 1 << 10;
#endif

TEST_F(SandboxLeftoversTest, TenThousandLeaveNothing) {
  constexpr ContainerId kAll = 10'000;
  constexpr ContainerId kAtOnce = 100;
  // Making cgroups ahead, and the first use of everything.
  run(0, kAtOnce);
  run(kAtOnce, kAtOnce);
  const std::string process = "/proc/" + std::to_string(launcher_);
  struct Seen {
    std::size_t mounts = 0;
    std::size_t host_mounts = 0;
    std::size_t descriptors = 0;
    std::size_t cgroups = 0;
    std::uint64_t resident_kb = 0;  ///< of the launcher
    std::uint64_t group_bytes = 0;  ///< charged to its sandboxes' cgroups together
  };
  const auto look = [&] {
    Seen seen{.mounts = count_lines(process + "/mountinfo"),
              .host_mounts = count_lines("/proc/self/mountinfo"),
              .descriptors = count_entries(process + "/fd"),
              .resident_kb = first_number_in(process + "/status", "VmRSS:")};
    for (const auto& path : cgroups_of(launcher_)) {
      seen.cgroups += count_entries(path);
      for (const char* file : {"memory.usage_in_bytes", "memory.current"})
        seen.group_bytes += first_number_in(path / file);
    }
    return seen;
  };
  const Seen before = look();
  for (ContainerId first = 2 * kAtOnce; first < kAll; first += kAtOnce) run(first, kAtOnce);
  // Each processor keeps some freed memory for a while, a megabyte or two together whatever the number of sandboxes,
  // and the kernel gives back what has just ended a moment later.
  const std::uint64_t most_group_bytes = before.group_bytes + (4 << 20);
  Seen after = look();
  for (int moment = 0; moment < 100 && after.group_bytes >= most_group_bytes; ++moment) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    after = look();
  }
  EXPECT_EQ(after.mounts, before.mounts);
  EXPECT_EQ(after.host_mounts, before.host_mounts);
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.cgroups, before.cgroups);
  EXPECT_LT(after.resident_kb, before.resident_kb + kSpareKb);
  EXPECT_LT(after.group_bytes, most_group_bytes);
  EXPECT_EQ(count_lines(process + "/task/" + std::to_string(launcher_) + "/children"), 0U);
  harness_->destroy_driver();
  EXPECT_TRUE(cgroups_of(launcher_).empty());
  EXPECT_FALSE(harness_->has_working_directory(kAttacker));
}

/// The same when every one was claimed: what a claim needs beside is given back, too.
TEST_F(SandboxLeftoversTest, AHundredPrewarmedLeaveNothing) {
  harness_.emplace("sandbox prewarmed");
  std::size_t descriptors = 0;
  std::size_t mounts = 0;
  for (ContainerId first = 0; first < 33 * kPrewarmedContainers; first += kPrewarmedContainers) {
    run(first, kPrewarmedContainers);
    for (ContainerId id = first; id < first + kPrewarmedContainers; ++id) {
      EXPECT_TRUE(harness_->launched().at(id).prewarmed) << id;
    }
    ASSERT_TRUE(harness_->wait_prewarmed(kPrewarmedContainers));
    const std::string process = "/proc/" + std::to_string(launcher_);
    if (first == kPrewarmedContainers) descriptors = count_entries(process + "/fd");
    if (first == kPrewarmedContainers) mounts = count_lines(process + "/mountinfo");
    if (first <= kPrewarmedContainers) continue;
    ASSERT_EQ(count_entries(process + "/fd"), descriptors);
    ASSERT_EQ(count_lines(process + "/mountinfo"), mounts);
  }
  harness_->destroy_driver();
  EXPECT_TRUE(cgroups_of(launcher_).empty());
}

TEST_F(SandboxLeftoversTest, TheLauncherHasAFilterAndItsSandboxesOneMore) {
  const auto ends = harness_->start(0, "echo");
  ASSERT_TRUE(harness_->wait_launched(1));
  ends->send("ready?");
  ASSERT_EQ(ends->receive(), "ready?");
  const auto filters_of = [](std::int64_t process) {
    return first_number_in("/proc/" + std::to_string(process) + "/status", "Seccomp_filters:");
  };
  const std::int64_t sandbox = harness_->launched().at(0).pid;
  const std::uint64_t own = filters_of(getpid());  // where tests run in a container
  EXPECT_EQ(filters_of(launcher_of(sandbox)), own + 1);
  EXPECT_EQ(filters_of(sandbox), own + 2);
}

TEST_F(SandboxLeftoversTest, ASuccessorRemovesTheCgroupsOfALauncherThatWasKilled) {
  run(0, 3);
  const std::vector<std::filesystem::path> left = cgroups_of(launcher_);
  if (left.empty()) GTEST_SKIP() << "no cgroups here";
  kill(launcher_, SIGKILL);
  harness_->destroy_driver();
  const Harness successor("sandbox");
  for (const auto& path : left) EXPECT_FALSE(std::filesystem::exists(path)) << path;
}

}  // namespace
}  // namespace gust::container::testing
