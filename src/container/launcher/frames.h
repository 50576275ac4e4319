// The private protocol between the launcher driver and gust-launcher, over a Unix socket of type SOCK_SEQPACKET: a
// packet arrives whole or not at all, and carries the descriptors of the containers that it starts.
//
//   driver -> launcher   kStart: StartEntry, then its environment, for each container; three descriptors for each
//                        (file descriptor 3, standard output, standard error), in the same order
//                        kKill: one id (64 bits) for each container
//   launcher -> driver   kReady, first and once: ReadyEntry
//                        kEvents: EventEntry for each event
//
// Every packet begins with a LauncherHeader. Integers have the byte order of the machine: both ends run on it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gust::container {

/// Of this file. Both ends come from one build; the number catches a stale gust-launcher.
inline constexpr std::uint16_t kLauncherProtocolVersion = 4;
inline constexpr std::uint32_t kLauncherMagic = 0x314c5547;  // "GUL1"
/// Of a packet with its header: a third of a Unix socket's default send buffer (212,992 bytes), so that one packet is
/// on its way while the next is made.
inline constexpr std::size_t kMaxLauncherPacket = 64 << 10;
/// A packet keeps the launcher busy for as many process creations before it looks at exits and sends events: some
/// 10 ms. Its 96 descriptors stay below the kernel's limit for one message, 253.
inline constexpr std::size_t kMaxStartsPerPacket = 32;
inline constexpr std::size_t kDescriptorsPerStart = 3;

enum class LauncherFrame : std::uint16_t { kReady = 1, kStart = 2, kKill = 3, kEvents = 4 };

struct LauncherHeader {
  std::uint32_t magic = kLauncherMagic;
  std::uint16_t version = kLauncherProtocolVersion;
  LauncherFrame type{};
  std::uint32_t count = 0;  ///< entries that follow
  std::uint32_t reserved = 0;
};
static_assert(sizeof(LauncherHeader) == 16);

/// What was being done when a container, or the launcher itself, could not be set up.
enum class Step : std::uint16_t {
  kNone = 0,
  kOpenDirectory = 1,   ///< launcher: the directory of working directories
  kLockDirectory = 2,   ///< launcher: EWOULDBLOCK when another launcher has it
  kClearDirectory = 3,  ///< launcher: what an earlier launcher left there
  kWatchChildren = 4,   ///< launcher: signals, subreaper, /proc
  kDescriptors = 5,     ///< launcher's own, or those that should have come with the packet
  kMakeDirectory = 6,   ///< launcher, for one container
  kCreateProcess = 7,   ///< clone(2)
  kProcessGroup = 8,    ///< from here on in the new process
  kDeathSignal = 9,
  kEnterDirectory = 10,
  kLimitMemory = 11,
  kLimitOpenFiles = 12,
  kTag = 13,
  kPlaceDescriptors = 14,
  kSignalMask = 15,
  kExec = 16,
  kDuplicateId = 17,
  kUserNamespace = 18,   ///< launcher, from here on for sandboxes only
  kNamespaces = 19,      ///< launcher
  kRootFileSystem = 20,  ///< launcher: the root that all its sandboxes share
  kPackBinary = 21,      ///< launcher: gust-pack, put into that root
  kPrivileges = 22,      ///< launcher
  kSeccompCompile = 23,  ///< launcher
  kCgroup = 24,          ///< launcher, for one container
  kJoinCgroup = 25,      ///< in the new process
  kMountProc = 26,
  kMountTmp = 27,
  kBecomeUser = 28,
  kLimitProcesses = 29,
  kSeccomp = 30,
  kImage = 31,        ///< launcher: the root file system of an image
  kRuntime = 32,      ///< an OCI runtime's work, for one container; its exit status stands for errno
  kShownFolder = 33,  ///< launcher: another folder of the host, put into the root that its sandboxes share
  kLoopback = 34,     ///< in the new process
};

/// What a launcher of sandboxes cannot enforce on this machine: bits of ReadyEntry::unenforced.
enum Unenforced : std::uint16_t {
  kUnenforcedMemory = 1,     ///< of a container as a whole: no cgroup; it is limited for each process
  kUnenforcedCpu = 2,        ///< shares of the processors: no cgroup
  kUnenforcedProcesses = 4,  ///< containers share one user
};

struct Failure {
  Step step = Step::kNone;
  int error_number = 0;
};

struct ReadyEntry {
  std::int32_t error_number = 0;
  Step step = Step::kNone;  ///< kNone when the launcher is ready; otherwise it ends
  std::uint16_t unenforced = 0;
};
static_assert(sizeof(ReadyEntry) == 8);

/// Followed by `environment_size` bytes: strings that each end with a zero byte, filled up with zero bytes to a
/// multiple of eight.
struct StartEntry {
  std::uint64_t id = 0;
  std::uint64_t data_limit = 0;    ///< bytes, for RLIMIT_DATA; 0 for none. In a sandbox: where no cgroup limits memory
  std::uint64_t memory_limit = 0;  ///< bytes, of the whole sandbox; 0 for none
  std::uint64_t tmp_limit = 0;     ///< bytes, of the sandbox's /tmp; 0 for none
  std::uint32_t open_files = 0;
  std::uint32_t processes = 0;   ///< of the whole sandbox, threads among them; 0 for none
  std::uint32_t cpu_weight = 0;  ///< of the sandbox: 100 for each worker that has the share of an ordinary process
  std::uint32_t environment_size = 0;
  std::uint32_t workers = 0;
  std::uint32_t python = 0;  ///< 1 when a pre-warmed container with an interpreter is of more use than others
};
static_assert(sizeof(StartEntry) == 56);

/// kPrewarmed: `status` containers wait for somebody to need them; whenever that changes.
enum class EventKind : std::uint16_t { kLaunched = 1, kExited = 2, kFailed = 3, kPrewarmed = 4 };

struct EventEntry {
  std::uint64_t id = 0;
  std::int64_t at_us = 0;
  std::int64_t pid = 0;          ///< kLaunched
  std::uint64_t cpu_us = 0;      ///< kExited
  std::uint64_t peak_bytes = 0;  ///< kExited
  std::int32_t status = 0;       ///< kExited: wait status; kFailed: errno; kLaunched: 1 when it existed before
  EventKind kind{};
  Step step = Step::kNone;  ///< kFailed; kExited: kLimitMemory when the kernel ended it at that limit
};
static_assert(sizeof(EventEntry) == 48);
inline constexpr std::size_t kMaxEventsPerPacket = (kMaxLauncherPacket - sizeof(LauncherHeader)) / sizeof(EventEntry);

/// Bytes that a start with this environment takes in a packet.
std::size_t start_size(std::span<const std::string> environment);
/// Adds to a packet's text; `entry.environment_size` is filled in.
void append_start(std::string& packet, StartEntry entry, std::span<const std::string> environment);

struct StartRequest {
  StartEntry entry;
  std::vector<char*> environment;  ///< into the packet; ends with a null pointer, as execve(2) wants it
};

/// The header, of whatever version, or nothing when the packet has none.
std::optional<LauncherHeader> read_header(std::string_view packet);
/// The entries of a kStart packet, or nothing when it is not one that append_start() wrote.
std::optional<std::vector<StartRequest>> read_starts(std::span<char> packet, std::size_t count);

}  // namespace gust::container
