// What is kept of actions and flares. Plain values; JSON texts stay texts until somebody asks for them. The values of
// enumerations are stored: they keep their meaning.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "packing/packing.h"

namespace gust::store {

struct ActionLimits {
  std::chrono::milliseconds timeout{60'000};  ///< of one flare, from its start
  Bytes memory = Bytes::mb(256);              ///< of one container
  Bytes logs = Bytes::mb(10);                 ///< kept of one pack's output
  std::uint32_t processes = 256;              ///< of one container, beside its workers: what user code starts
  std::uint32_t open_files = 1024;            ///< of each process in it
  Bytes tmp;                                  ///< files in its /tmp, a part of `memory`; 0 for as much as that
  std::uint32_t cpu = 100;                    ///< each worker's share of the processors, in percent of the ordinary one
};

/// What all that clients store under a name has. Immutable: an update makes a new one with the next version.
struct Entity {
  std::string namespace_name;
  std::string package;  ///< only actions stand in one; empty for the default package
  std::string name;
  std::string version = "0.0.1";
  bool publish = false;
  Json annotations = Json::array();
  WallTime updated;

  /// "name", or "package/name".
  [[nodiscard]] std::string path() const { return package.empty() ? name : package + "/" + name; }
  /// "/namespace/[package/]name".
  [[nodiscard]] std::string qualified_name() const { return "/" + namespace_name + "/" + path(); }
};

/// A deployed definition.
struct Action : Entity {
  static constexpr std::string_view kNoun = "action";
  std::string kind;
  std::string main;   ///< entry point within the code, where the kind has one
  std::string image;  ///< that its packs run in; empty for the invokers' own programs
  std::shared_ptr<const std::string> code;
  std::string code_digest;  ///< SHA-256, hex
  bool binary = false;
  ActionLimits limits;
  Json parameters = Json::array();
};
using ActionPtr = std::shared_ptr<const Action>;

/// Actions under one name with parameters for all of them; or, with a binding, a second name for another package, with
/// parameters that go over that one's.
struct Package : Entity {
  static constexpr std::string_view kNoun = "package";
  Json parameters = Json::array();
  std::string binding;  ///< the package that it stands for, of the same namespace; empty for none
};
using PackagePtr = std::shared_ptr<const Package>;

/// A name for events; rules say what they start.
struct Trigger : Entity {
  static constexpr std::string_view kNoun = "trigger";
  Json parameters = Json::array();
};
using TriggerPtr = std::shared_ptr<const Trigger>;

enum class RuleState : std::uint8_t { kInactive, kActive };

/// While active, invokes an action whenever a trigger of its namespace is fired.
struct Rule : Entity {
  static constexpr std::string_view kNoun = "rule";
  std::string trigger;
  std::string action;  ///< "name", or "package/name"
  RuleState state = RuleState::kActive;
};
using RulePtr = std::shared_ptr<const Rule>;

/// What opens a namespace to a client. Its name is its id, the user of HTTP Basic; its own namespace is empty.
struct Key : Entity {
  static constexpr std::string_view kNoun = "key";
  std::string owner;   ///< the namespace that it opens
  std::string digest;  ///< SHA-256 of "id:secret", hex: the secret is random, and long enough not to be guessed
};
using KeyPtr = std::shared_ptr<const Key>;

/// What lets an invoker join (protocol/join_token.h). Its name is its id; its own namespace is empty.
struct Token : Entity {
  static constexpr std::string_view kNoun = "token";
  std::string digest;  ///< join_token_digest()
  WallTime expires;
};
using TokenPtr = std::shared_ptr<const Token>;

/// An invoker that is to be given no packs, by its name; its namespace is empty.
struct Drain : Entity {
  static constexpr std::string_view kNoun = "drained invoker";
};

/// How a flare was asked for, which decides how its results are shown: a burst's as an array, a single invocation's
/// bare. kTrigger: nothing ran; the record tells what rules a fired trigger has started.
enum class Invocation : std::uint8_t { kBurst, kSingle, kTrigger };

enum class FlareState : std::uint8_t {
  kQueued,     ///< waits for slots
  kReserved,   ///< its packs hold their slots
  kStarting,   ///< the invokers have been told
  kRunning,    ///< every worker has started
  kFinishing,  ///< some workers have finished, or its packs are being stopped
  kSucceeded,  ///< every worker returned, with a value or with an error of its own
  kFailed,
  kCancelled,
  kTimedOut,
};
std::string_view to_string(FlareState state);
[[nodiscard]] constexpr bool has_ended(FlareState state) { return state >= FlareState::kSucceeded; }

enum class PackState : std::uint8_t { kPlanned, kStarting, kLoaded, kRunning, kEnded };
std::string_view to_string(PackState state);

enum class WorkerState : std::uint8_t { kWaiting, kRunning, kReturned, kReturnedError, kLost };
std::string_view to_string(WorkerState state);

/// Why a pack ended; the values are those of PackCause in protocol/control.proto, kInvokerLost beside them.
enum class PackCause : std::uint8_t {
  kUnknown = 0,
  kFinished = 1,
  kLoadFailed = 2,
  kWorkerCrashed = 3,
  kWorkerExited = 4,
  kKilled = 5,
  kStopped = 6,
  kLaunchFailed = 7,
  kInvokerLost = 100,
};
std::string_view to_string(PackCause cause);

/// Stamps are absent (the epoch) until the thing has happened. Those of packs and workers come from the clocks of
/// their hosts.
struct WorkerRecord {
  WorkerState state = WorkerState::kWaiting;
  WallTime started;           ///< the worker's first instruction
  WallTime function_started;  ///< entering user code
  WallTime function_ended;
  WallTime ended;
  Bytes peak_memory;   ///< of its pack's process when it ended
  std::string result;  ///< JSON text; the error's text for kReturnedError
};

struct LogLine {
  WallTime at;
  bool is_stderr = false;
  std::string text;
};

/// What workers have sent: payload, without headers. docs/collectives.md has the formulas.
struct Traffic {
  std::uint64_t local_messages = 0;  ///< from worker to worker of one pack
  std::uint64_t local_bytes = 0;
  std::uint64_t remote_messages = 0;  ///< from pack to pack
  std::uint64_t remote_bytes = 0;
};

struct PackRecord {
  InvokerId invoker;
  std::string invoker_name;
  WorkerRange workers;
  PackState state = PackState::kPlanned;
  WallTime received;  ///< the invoker read the order
  WallTime launched;  ///< the process exists
  WallTime entered;   ///< first instruction of gust-pack
  WallTime loaded;    ///< code and parameters are in memory
  WallTime ended;
  std::int64_t pid = 0;
  bool prewarmed = false;  ///< its process existed before
  PackCause cause = PackCause::kUnknown;
  int signal = 0;
  int exit_code = 0;
  std::optional<WorkerId> culprit;  ///< the worker that crashed or exited, where known
  std::string message;              ///< a sentence on the cause
  std::chrono::microseconds cpu{0};
  Bytes peak_memory_at_start;
  Bytes peak_memory;
  Traffic traffic;  ///< zero until the pack's workers have ended, and for a pack that did not end by itself
  std::vector<LogLine> logs;
};

/// So many lines came of one pack's log.
struct LogPiece {
  std::uint32_t pack = 0;  ///< index
  std::uint32_t lines = 0;
};

/// What clients poll: usually one for each pack. A flare whose number of packs was not known when it was accepted
/// (queued, heterogeneous or mixed) has a single one for all of its workers.
struct ActivationRecord {
  ActivationId id;
  WorkerRange workers;
};

struct FlareStamps {
  WallTime received;  ///< the request's header was read
  WallTime queued;    ///< absent if it never waited
  WallTime reserved;
  WallTime starting;
  WallTime running;
  WallTime finishing;
  WallTime ended;
};

/// A try of a flare that was lost with an invoker or a pack, and was followed by another.
struct LostAttempt {
  WallTime started;  ///< when the invokers were told
  WallTime ended;
  std::string cause;
};

struct FlareRecord {
  static constexpr std::string_view kNoun = "flare";
  FlareId id;
  FlareId run;  ///< its present attempt, as invokers know it: the flare's own id for the first
  std::string namespace_name;
  ActionPtr action;
  Invocation invocation = Invocation::kBurst;
  packing::Strategy strategy = packing::Strategy::kHeterogeneous;
  std::uint32_t granularity = 0;
  std::uint32_t burst_size = 0;
  std::string backend = "tcp";    ///< what carries messages between its packs
  Bytes chunk = Bytes::mb(1);     ///< the largest piece in which they travel
  std::int32_t priority = 0;      ///< among those of its namespace that wait
  std::uint32_t retries = 0;      ///< times that it may start again when an invoker or a pack is lost
  std::vector<LostAttempt> lost;  ///< those that it has used
  FlareState state = FlareState::kQueued;
  FlareStamps stamps;          ///< those after `queued` are the present attempt's
  std::optional<Error> cause;  ///< of a state other than succeeded
  std::vector<ActivationRecord> activations;
  std::vector<PackRecord> packs;      ///< in the order of their workers
  std::vector<WorkerRecord> workers;  ///< by worker id
  std::vector<LogPiece> log_order;    ///< how the packs' lines came, for those who read them meanwhile; not stored
  std::uint32_t workers_started = 0;
  std::uint32_t workers_finished = 0;
  std::uint32_t workers_with_error = 0;
};
using FlarePtr = std::shared_ptr<const FlareRecord>;

/// What clients see as a flare's start: when its invokers were told, or its arrival where that never happened.
[[nodiscard]] WallTime start_of(const FlareRecord& flare);

}  // namespace gust::store
