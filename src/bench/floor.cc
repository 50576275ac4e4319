#include "bench/floor.h"

#include <sched.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>

#include "base/fd.h"
#include "base/mutex.h"
#include "pack/floor.h"

namespace gust::bench {

namespace {

// The memory in which the threads of all packs stamp their starts.
class Stamps {
 public:
  static Result<Stamps> create(std::uint32_t entries) {
    Stamps stamps;
    stamps.size_ = pack::floor_bytes(entries);
    stamps.fd_ = UniqueFd(::memfd_create("gust-floor", 0));  // inherited: no CLOEXEC
    if (!stamps.fd_ || ::ftruncate(stamps.fd_.get(), static_cast<off_t>(stamps.size_)) != 0) {
      return fail_errno("memory for the floor's stamps", errno);
    }
    stamps.memory_ =
        ::mmap(nullptr, stamps.size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, stamps.fd_.get(), 0);
    if (stamps.memory_ == MAP_FAILED) return fail_errno("map the floor's stamps", errno);
    stamps.header().magic = pack::kFloorMagic;
    stamps.header().entries = entries;
    return stamps;
  }
  Stamps() = default;
  Stamps(Stamps&& other) noexcept
      : fd_(std::move(other.fd_)), memory_(std::exchange(other.memory_, MAP_FAILED)), size_(other.size_) {}
  Stamps& operator=(Stamps&&) = delete;
  ~Stamps() {
    if (memory_ != MAP_FAILED) ::munmap(memory_, size_);
  }

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] pack::FloorHeader& header() const { return *static_cast<pack::FloorHeader*>(memory_); }
  [[nodiscard]] const pack::FloorStamp* entries() const {
    return reinterpret_cast<const pack::FloorStamp*>(static_cast<const char*>(memory_) + sizeof(pack::FloorHeader));
  }

 private:
  UniqueFd fd_;
  void* memory_ = MAP_FAILED;
  std::size_t size_ = 0;
};

struct Spawned {
  Mutex mutex;
  std::vector<pid_t> pids GUST_GUARDED_BY(mutex);
  int error GUST_GUARDED_BY(mutex) = 0;
};

struct Creation {
  const char* binary;
  char** arguments;
  char** environment;
};

pid_t spawn(const Creation& creation, int& error) {
  pid_t pid = 0;  // glibc: CLONE_VM | CLONE_VFORK
  error = ::posix_spawn(&pid, creation.binary, nullptr, nullptr, creation.arguments, creation.environment);
  return pid;
}

// The same in new namespaces, which posix_spawn cannot do. One for each thread that creates.
class NamespaceCreator {
 public:
  NamespaceCreator() : stack_(kStackBytes) {}

  pid_t create(const Creation& creation, int& error) {
    creation_ = creation;
    error_ = 0;
    // The new process shares our memory until it executes: no handler of ours may run in it.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    constexpr int kFlags = CLONE_VM | CLONE_VFORK | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | SIGCHLD;
    const pid_t pid = ::clone(execute, stack_.data() + stack_.size(), kFlags, this);
    if (pid < 0) error_ = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid > 0 && error_ != 0) ::waitpid(pid, nullptr, 0);
    error = error_;
    return pid;
  }

 private:
  static constexpr std::size_t kStackBytes = 64 << 10;

  static int execute(void* self) {
    auto& creator = *static_cast<NamespaceCreator*>(self);
    ::execve(creator.creation_.binary, creator.creation_.arguments, creator.creation_.environment);
    creator.error_ = errno;
    ::_exit(127);
  }

  std::vector<char> stack_;
  Creation creation_{};
  volatile int error_ = 0;
};

void spawn_packs(const FloorShape& shape, const std::string& binary, int stamps_fd, std::atomic<std::uint32_t>& next,
                 Spawned& spawned) {
  std::vector<pid_t> pids;
  NamespaceCreator creator;
  int error = 0;
  while (error == 0) {
    const std::uint32_t first = next.fetch_add(shape.granularity);
    if (first >= shape.workers) break;
    std::string threads = std::to_string(std::min(shape.granularity, shape.workers - first));
    std::string fd = std::to_string(stamps_fd);
    std::string index = std::to_string(first);
    std::string name = "gust-pack";
    std::string at_signal = shape.prewarmed ? "1" : "0";
    std::string flags[] = {"--floor", "--stamps", "--first", "--at-signal"};
    char* argv[] = {name.data(),     flags[0].data(), threads.data(),  flags[1].data(),  fd.data(),
                    flags[2].data(), index.data(),    flags[3].data(), at_signal.data(), nullptr};
    char* envp[] = {nullptr};
    const Creation creation{.binary = binary.c_str(), .arguments = argv, .environment = envp};
    const pid_t pid = shape.namespaces == Namespaces::kNone ? spawn(creation, error) : creator.create(creation, error);
    if (error == 0) pids.push_back(pid);
  }
  const MutexLock lock(spawned.mutex);
  spawned.pids.insert(spawned.pids.end(), pids.begin(), pids.end());
  if (error != 0) spawned.error = error;
}

}  // namespace

Result<std::vector<double>> measure_floor(const FloorShape& shape, const std::string& pack_binary) {
  const Stamps stamps = GUST_TRY(Stamps::create(shape.workers));
  std::atomic<std::uint32_t> next{0};
  Spawned spawned;
  const unsigned spawners = std::max(1U, std::thread::hardware_concurrency());
  auto began = std::chrono::system_clock::now();
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < spawners; ++i) {
    threads.emplace_back([&] { spawn_packs(shape, pack_binary, stamps.fd(), next, spawned); });
  }
  spawn_packs(shape, pack_binary, stamps.fd(), next, spawned);
  for (std::thread& thread : threads) thread.join();

  const MutexLock lock(spawned.mutex);
  const auto packs = static_cast<std::uint32_t>(spawned.pids.size());
  if (shape.prewarmed && spawned.error == 0) {
    if (!pack::wait_for_waiting(stamps.header(), packs, std::chrono::minutes(1))) spawned.error = ETIMEDOUT;
    began = std::chrono::system_clock::now();
    pack::signal_floor(stamps.header());
  }
  const bool all = spawned.error == 0 && pack::wait_for_floor(stamps.header(), std::chrono::minutes(1));
  pack::signal_floor(stamps.header());  // for those that still wait for it, when something went wrong
  pack::release_floor(stamps.header());
  for (const pid_t pid : spawned.pids) ::waitpid(pid, nullptr, 0);
  if (spawned.error == EPERM && shape.namespaces != Namespaces::kNone) {
    return fail(ErrorCode::kDenied, "new namespaces are not permitted here; run it as root, or without --namespaces");
  }
  if (spawned.error != 0) return fail_errno("start " + pack_binary, spawned.error);
  if (!all) {
    return fail(ErrorCode::kTimedOut, fmt::format("{} of {} threads had started after a minute",
                                                  stamps.header().started.load(), shape.workers));
  }
  const auto zero = std::chrono::duration_cast<std::chrono::nanoseconds>(began.time_since_epoch()).count();
  std::vector<double> latencies;
  for (std::uint32_t i = 0; i < shape.workers; ++i) {
    latencies.push_back(static_cast<double>(stamps.entries()[i] - zero) / 1e9);
  }
  return latencies;
}

}  // namespace gust::bench
