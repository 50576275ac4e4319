// What every container driver does. How containers end when the driver, its helpers or its process die stands in
// driver_death_test.cc.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <sys/resource.h>
#include <sys/wait.h>

#include "container/testing/driver_harness.h"

namespace gust::container::testing {
namespace {

using ::testing::HasSubstr;

std::size_t count_open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

void raise_open_files_limit() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

/// OCI runtimes take some 50 ms of a processor for each container.
constexpr ContainerId kManyRuntimes = 24;

class DriverTest : public ::testing::TestWithParam<const char*> {
 protected:
  DriverTest() { raise_open_files_limit(); }
  Harness harness_{GetParam()};
};

class DriverSizeTest : public ::testing::TestWithParam<std::tuple<const char*, ContainerId>> {
 protected:
  DriverSizeTest() { raise_open_files_limit(); }
};

TEST_P(DriverSizeTest, StartsAllAndEachTalksOverItsOwnSocket) {
  const auto [name, most] = GetParam();
  const ContainerId count = is_oci(name) ? std::min<ContainerId>(most, kManyRuntimes) : most;
  Harness harness(name);
  const WallTime before = wall_now();
  std::vector<Spec> specs;
  std::vector<OtherEnds> ends;
  for (ContainerId id = 0; id < count; ++id) {
    auto [spec, other] = make_spec(id, "echo");
    specs.push_back(std::move(spec));
    ends.push_back(std::move(other));
  }
  ASSERT_TRUE(harness.driver().start(std::move(specs)));
  for (ContainerId id = 0; id < count; ++id) ends[id].send("I am " + std::to_string(id));
  ASSERT_TRUE(harness.wait_launched(count));
  for (ContainerId id = 0; id < count; ++id) EXPECT_EQ(ends[id].receive(), "I am " + std::to_string(id));

  std::set<std::int64_t> pids;
  for (const auto& [id, launched] : harness.launched()) {
    pids.insert(launched.pid);
    EXPECT_EQ(harness.has_working_directory(id), is_plain(name) || is_oci(name));
    EXPECT_GE(launched.at, before);
    EXPECT_LE(launched.at, wall_now());
  }
  EXPECT_EQ(pids.size(), count);

  ends.clear();
  ASSERT_TRUE(harness.wait_exited(count));
  for (const auto& [id, exited] : harness.exited()) {
    EXPECT_EQ(exited.failure, "");
    EXPECT_EQ(exited.wait_status, 0);
    EXPECT_GE(exited.at, harness.launched().at(id).at);
    EXPECT_GT(exited.peak_memory, Bytes(0));
    EXPECT_FALSE(harness.has_working_directory(id));
  }
}

TEST_P(DriverTest, TwoThousandAtOnceNeitherBlockNorLoseAny) {
  const bool oci = is_oci(GetParam());
  const ContainerId count = oci ? kManyRuntimes : 2000;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 4 * count) GTEST_SKIP() << "needs " << 4 * count << " descriptors";
  const UniqueFd null_device(open("/dev/null", O_RDWR | O_CLOEXEC));
  std::vector<Spec> specs;
  const auto copy = [&] { return UniqueFd(fcntl(null_device.get(), F_DUPFD_CLOEXEC, 0)); };
  for (ContainerId id = 0; id < count; ++id) {
    specs.push_back({.id = id,
                     .limits = {},
                     .image = {},
                     .environment = {"DO=exit", "ARGUMENT=" + std::to_string(id % 7), "FILL=" + std::string(3000, 'x')},
                     .socket = copy(),
                     .standard_output = copy(),
                     .standard_error = copy()});
  }
  ASSERT_TRUE(harness_.driver().start(std::move(specs)));
  // Behind all the starts, which are not even sent yet.
  for (ContainerId id = 0; id < count; ++id) harness_.driver().kill(id);
  ASSERT_TRUE(harness_.wait_exited(count));
  // What has not begun yet need not begin to be ended.
  EXPECT_GE(harness_.launched().size(), oci ? 0 : count);
  for (const auto& [id, exited] : harness_.exited()) {
    EXPECT_EQ(exited.failure, "");
    if (WIFEXITED(exited.wait_status)) {
      EXPECT_EQ(WEXITSTATUS(exited.wait_status), static_cast<int>(id % 7));
    } else {
      EXPECT_EQ(WTERMSIG(exited.wait_status), SIGKILL);
    }
  }
}

TEST_P(DriverTest, OutputGoesToThePipes) {
  const auto ends = harness_.start(1, "print");
  ASSERT_TRUE(ends);
  EXPECT_EQ(read_all(ends->output), "to output\n");
  EXPECT_EQ(read_all(ends->error), "to error\n");
}

TEST_P(DriverTest, ReportsHowTheProcessEnded) {
  const auto exiting = harness_.start(1, "exit", "37");
  const auto dying = harness_.start(2, "crash");
  ASSERT_TRUE(harness_.wait_exited(2));
  const int exit_status = harness_.exited().at(1).wait_status;
  const int signal_status = harness_.exited().at(2).wait_status;
  EXPECT_TRUE(WIFEXITED(exit_status) && WEXITSTATUS(exit_status) == 37) << exit_status;
  EXPECT_TRUE(WIFSIGNALED(signal_status) && WTERMSIG(signal_status) == SIGSEGV) << signal_status;
}

TEST_P(DriverTest, KillEndsOnlyTheContainerNamed) {
  const auto killed = harness_.start(1, "echo");
  const auto other = harness_.start(2, "echo");
  harness_.driver().kill(1);
  harness_.driver().kill(99);
  ASSERT_TRUE(harness_.wait_exited(1));
  EXPECT_EQ(WTERMSIG(harness_.exited().at(1).wait_status), SIGKILL);
  other->send("alive");
  EXPECT_EQ(other->receive(), "alive");
}

TEST_P(DriverTest, NothingOutlivesItsContainer) {
  for (const char* what : {"child", "daemon"}) {
    for (const bool kill : {true, false}) {
      Harness harness(GetParam());
      const auto bystander = harness.start(1, what);
      const UniqueFd bystander_child = watch(bystander->receive_pid());
      auto ends = harness.start(2, what);
      const UniqueFd child = watch(ends->receive_pid());
      if (kill) {
        harness.driver().kill(2);
      } else {
        ends->socket.reset();
      }
      ASSERT_TRUE(harness.wait_exited(1)) << what;
      EXPECT_TRUE(harness.exited().contains(2)) << what;
      pollfd gone[] = {{child.get(), POLLIN, 0}, {bystander_child.get(), POLLIN, 0}};
      EXPECT_EQ(poll(gone, 2, 0), 1) << what;
      EXPECT_NE(gone[0].revents, 0) << "the " << what << " was there when the end was reported";
    }
  }
}

TEST_P(DriverTest, BeginsWithACleanSlate) {
  const auto old_handler = signal(SIGPIPE, SIG_IGN);
  sigset_t block;
  sigset_t old_mask;
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, &old_mask);
  Harness harness(GetParam());
  auto [spec, ends] = make_spec(7, "describe");
  spec.limits = {.memory = Bytes::mb(100), .open_files = 50, .workers = 3};
  spec.environment.emplace_back("EMPTY=");
  std::vector<Spec> specs;
  specs.push_back(std::move(spec));
  ASSERT_TRUE(harness.driver().start(std::move(specs)));
  const std::string told = ends.receive();
  signal(SIGPIPE, old_handler);
  sigprocmask(SIG_SETMASK, &old_mask, nullptr);

  const bool plain = is_plain(GetParam());
  const std::string directory = std::filesystem::canonical(harness.directory()).string();
  EXPECT_THAT(told, HasSubstr(plain ? "cwd=" + directory + "/packs/7\n" : "cwd=/tmp\n"));
  EXPECT_THAT(told, HasSubstr("stdin=/dev/null\n"));
  EXPECT_THAT(told, HasSubstr("descriptors=0 1 2 3 \n"));
  // A sandbox's memory is limited as a whole.
  const std::string data = plain ? "limits=" + std::to_string((100 + 3 * 8) << 20) : "";
  EXPECT_THAT(told, HasSubstr(data + " 50 0\n"));
  EXPECT_THAT(told, HasSubstr("own group=yes\n"));
  EXPECT_THAT(told, HasSubstr("signals=default\n"));
  // Runtimes add a HOME where there is none.
  EXPECT_THAT(told, HasSubstr("environment=DO=describe;ARGUMENT=;EMPTY=;"));
  EXPECT_TRUE(told.ends_with("EMPTY=;") || is_oci(GetParam())) << told;
}

/// Memory that the limit forbids cannot be had, or ends the container with that cause.
TEST_P(DriverTest, MemoryLimitHolds) {
  for (const ContainerId id : {1, 2}) {
    auto [spec, ends] = make_spec(id, "use", id == 1 ? "80" : "120");
    spec.limits = {.memory = Bytes::mb(100), .workers = 1};
    std::vector<Spec> specs;
    specs.push_back(std::move(spec));
    ASSERT_TRUE(harness_.driver().start(std::move(specs)));
    EXPECT_EQ(ends.receive(), id == 1 ? "used" : "");
  }
  ASSERT_TRUE(harness_.wait_exited(2));
  EXPECT_FALSE(harness_.exited().at(1).out_of_memory);
  if (is_plain(GetParam())) return;
  const Exited& killed = harness_.exited().at(2);
  EXPECT_TRUE(killed.out_of_memory);
  EXPECT_TRUE(WIFSIGNALED(killed.wait_status) && WTERMSIG(killed.wait_status) == SIGKILL) << killed.wait_status;
}

TEST_P(DriverTest, MemoryThatTheLimitForbidsIsRefusedWhereItIsOfEachProcess) {
  if (!is_plain(GetParam())) GTEST_SKIP() << "the limit is of the container";
  auto [spec, ends] = make_spec(1, "memory", "128");
  spec.limits = {.memory = Bytes::mb(100), .workers = 1};
  std::vector<Spec> specs;
  specs.push_back(std::move(spec));
  ASSERT_TRUE(harness_.driver().start(std::move(specs)));
  EXPECT_EQ(ends.receive(), "whole: no, half: yes");
}

TEST_P(DriverTest, RemovesWhateverTheWorkingDirectoryHolds) {
  const std::filesystem::path outside = harness_.directory() / "outside";
  std::filesystem::create_directory(outside);
  std::ofstream(outside / "precious") << "kept";
  auto ends = harness_.start(1, "fill", outside);
  ends->send("filled?");
  ASSERT_EQ(ends->receive(), "filled?");
  ends->socket.reset();
  ASSERT_TRUE(harness_.wait_exited(1));
  EXPECT_FALSE(harness_.has_working_directory(1));
  EXPECT_TRUE(std::filesystem::exists(outside / "precious"));
}

TEST_P(DriverTest, AMissingBinaryIsThatContainersFailure) {
  if (!is_plain(GetParam())) GTEST_SKIP() << "it is the driver's: it shows the binary to all containers";
  if (!is_executed(GetParam())) GTEST_SKIP() << "it is not executed";
  Harness harness(GetParam(), "/nowhere/gust-pack");
  const auto ends = harness.start(5, "echo");
  ASSERT_TRUE(harness.wait_exited(1));
  EXPECT_EQ(harness.exited().at(5).failure, "exec /nowhere/gust-pack: No such file or directory");
  EXPECT_FALSE(harness.has_working_directory(5));
  EXPECT_EQ(ends->receive(), "") << "its end of the socket is still open";
}

TEST_P(DriverTest, AnIdInUseIsThatContainersFailure) {
  const auto first = harness_.start(1, "echo");
  const auto second = harness_.start(1, "echo");
  ASSERT_TRUE(harness_.wait_exited(1));
  EXPECT_THAT(harness_.exited().at(1).failure, HasSubstr("use a new one"));
  first->send("alive");
  EXPECT_EQ(first->receive(), "alive");
}

TEST_P(DriverTest, RefusesASpecThatCannotBeCarriedOutBeforeAnyIsStarted) {
  const auto start_two = [&](const std::function<void(Spec&)>& spoil) {
    std::vector<Spec> specs;
    specs.push_back(make_spec(1, "echo").first);
    specs.push_back(make_spec(2, "echo").first);
    spoil(specs.back());
    return harness_.driver().start(std::move(specs)).error();
  };
  EXPECT_EQ(start_two([](Spec& spec) { spec.socket.reset(); }).code, ErrorCode::kInvalid);
  EXPECT_EQ(start_two([](Spec& spec) { spec.environment = {"no value"}; }).code, ErrorCode::kInvalid);
  EXPECT_EQ(start_two([](Spec& spec) { spec.environment = {std::string("A=1\0B=2", 7)}; }).code, ErrorCode::kInvalid);
  const Error large = start_two([](Spec& spec) { spec.environment = {"A=" + std::string(100'000, 'x')}; });
  EXPECT_EQ(large.code, ErrorCode::kTooLarge);
  EXPECT_THAT(large.message, HasSubstr("container 2"));
  const auto ends = harness_.start(3, "exit", "0");
  ASSERT_TRUE(harness_.wait_exited(1));
  EXPECT_EQ(harness_.launched().size(), 1U);
}

TEST_P(DriverTest, LeavesNoDescriptorBehind) {
  const std::size_t before = count_open_descriptors();
  {
    const ContainerId count = is_oci(GetParam()) ? kManyRuntimes : 100;
    Harness harness(GetParam());
    for (ContainerId id = 0; id < count; ++id) {
      ASSERT_TRUE(harness.start(id, "exit", "0"));
    }
    ASSERT_TRUE(harness.wait_exited(count));
    EXPECT_LT(count_open_descriptors(), before + 10);
  }
  EXPECT_EQ(count_open_descriptors(), before);
}

TEST_P(DriverTest, AStateDirectoryHasOneDriver) {
  const auto second = Harness::make(GetParam(), harness_.options());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kExists);
  harness_.destroy_driver();
  EXPECT_TRUE(Harness::make(GetParam(), harness_.options()));
}

TEST_P(DriverTest, RemovesWhatAnEarlierDriverLeft) {
  harness_.destroy_driver();
  std::filesystem::create_directories(harness_.directory() / "packs" / "1" / "left");
  ASSERT_TRUE(Harness::make(GetParam(), harness_.options()));
  EXPECT_TRUE(std::filesystem::is_empty(harness_.directory() / "packs"));
}

TEST(MakeDriver, SaysWhatIsWrongWithTheOptions) {
  const DriverOptions good{.pack_binary = GUST_TEST_PACK, .launcher_binary = GUST_LAUNCHER, .state_dir = "/tmp"};
  const auto unknown = make_driver("jail", good);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(unknown.error().message, HasSubstr("'jail' does not exist; there are: process, sandbox, oci"));

  DriverOptions options = good;
  options.state_dir = "relative";
  EXPECT_EQ(make_driver("process", options).error().code, ErrorCode::kInvalid);
  options = good;
  options.launcher_binary = "/nowhere/gust-launcher";
  options.state_dir = std::filesystem::temp_directory_path() / ("gust-driver-" + random_hex_id());
  EXPECT_EQ(make_driver("process", options).error().code, ErrorCode::kNotFound);
  std::filesystem::remove_all(options.state_dir);
}

/// In a user namespace in which there may be no other.
bool forbid_namespaces() {
  if (unshare(CLONE_NEWUSER) != 0) return false;
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << "0 " << geteuid() << " 1";
  std::ofstream limit("/proc/sys/user/max_user_namespaces");
  limit << "0" << std::flush;
  return limit.good();
}

TEST(MakeDriver, SaysWhichPermissionIsMissingAndWhatToDoWithoutIt) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (!forbid_namespaces()) _exit(77);
    DriverOptions options{.pack_binary = GUST_TEST_PACK, .launcher_binary = GUST_LAUNCHER, .state_dir = {}};
    options.state_dir = fast_directory() / ("gust-driver-" + random_hex_id());
    const auto driver = make_driver("sandbox", options);
    std::filesystem::remove_all(options.state_dir);
    if (driver) _exit(1);
    if (driver.error().code != ErrorCode::kDenied) _exit(2);
    _exit(driver.error().message.contains("user.max_user_namespaces") &&
                  driver.error().message.contains("--driver process")
              ? 0
              : 3);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "no user namespaces here to forbid them in";
  EXPECT_EQ(status, 0);
}

INSTANTIATE_TEST_SUITE_P(Drivers, DriverTest, ::testing::ValuesIn(drivers_here()));
INSTANTIATE_TEST_SUITE_P(Drivers, DriverSizeTest,
                         ::testing::Combine(::testing::ValuesIn(drivers_here()), ::testing::Values(1, 2, 48, 500)));

}  // namespace
}  // namespace gust::container::testing
