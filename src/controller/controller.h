// The life cycle of flares: admission, orders to the invokers, their reports, ends and causes.
//
// All state lives on one strand. The public functions may be called from any thread; they post to the strand and
// answer there through their callbacks, which must not block.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/runtimes.h"
#include "controller/log_page.h"
#include "packing/packing.h"
#include "scheduler/policy.h"
#include "store/records.h"
#include "store/store.h"

namespace gust::controller {

class Registrar;

struct ControllerOptions {
  std::string invoker_listen;  ///< where invokers connect: "unix:/path" or "host:port" (port 0: by the kernel)
  std::string join_token;      ///< what invokers must present without TLS; empty for none
  std::shared_ptr<const Registrar> registrar;        ///< who may join over TLS; null for plain connections
  scheduler::Policy policy;                          ///< of admission: how many may wait, what namespaces get
  std::chrono::milliseconds invoker_silence{3'000};  ///< an invoker that does not answer for so long is lost
  /// URIs of servers by way of which packs may talk, by their settings ("redis"); secrets.
  std::map<std::string, std::string, std::less<>> backends;
  std::string backend_directory;         ///< where the shared objects for them are
  Runtimes runtimes;                     ///< what the kinds and images of actions stand for
  std::filesystem::path record_file;     ///< where the scheduler's decisions are written down; empty for nowhere
  Bytes record_limit = Bytes::mb(1024);  ///< of that file (decision_record.h)
};

/// One group invocation.
struct FlareRequest {
  store::ActionPtr action;
  std::string namespace_name;       ///< the caller's
  std::vector<std::string> params;  ///< JSON text of each worker's parameters: the burst size is its length
  store::Invocation invocation = store::Invocation::kBurst;
  packing::Strategy strategy = packing::Strategy::kHeterogeneous;
  std::uint32_t granularity = 0;
  std::string backend;               ///< what carries messages between its packs; empty for tcp
  Bytes chunk = Bytes::mb(1);        ///< the largest piece in which they travel
  WallTime received;                 ///< when the request arrived
  scheduler::Priority priority = 0;  ///< among those of its namespace that wait
  std::uint32_t retries = 0;         ///< times that it starts again, as a whole, when an invoker or a pack is lost
};

struct FlareTicket {
  FlareId id;
  std::vector<ActivationId> activations;
};

/// What an invoker is and has now.
struct InvokerStatus {
  InvokerId id;
  std::string name;
  std::string driver;
  std::int64_t pid = 0;
  std::uint32_t slots = 0;
  std::uint32_t free_slots = 0;
  Bytes memory;
  Bytes free_memory;
  std::uint32_t packs = 0;
  std::uint32_t prewarmed = 0;                              ///< empty containers that wait ready
  bool drained = false;                                     ///< gets no further packs
  std::optional<WallTime> certificate_ends = std::nullopt;  ///< absent without TLS
  WallTime joined;
};

struct Status {
  std::vector<InvokerStatus> invokers;
  std::uint32_t queued_flares = 0;
  std::uint32_t active_flares = 0;
  /// Why it starts no flares now: it shuts down, or waits for invokers of the controller before it. Empty: it does.
  std::string not_ready = {};
  std::chrono::microseconds cpu{0};  ///< used by the controller's process since it started
};

/// A flare as it is now. `queue_position` (from 1) and `queue_reason` only while it waits.
struct FlareSnapshot {
  store::FlarePtr flare;
  std::uint32_t queue_position = 0;
  std::string queue_reason;
  /// At the head of the queue: it starts within this time, unless one with more right comes or an invoker leaves.
  std::optional<std::chrono::microseconds> starts_within = std::nullopt;
};

enum class Detail : std::uint8_t {
  kSummary,  ///< without packs, workers and results
  kFull,
};

enum class InvokerUse : std::uint8_t {
  kOpen,
  kDrained,  ///< no further packs; those that run there go on
};

enum class OpenFlares : std::uint8_t {
  kCancel,
  kLeave,  ///< to the next controller with this state; cancelled if the state ends with the process
};

template <class T>
using Callback = std::move_only_function<void(Result<T>)>;

class Controller {
 public:
  /// Listens for invokers, and goes on with the flares that the controller before has left in the stores: their
  /// invokers have `invoker_silence` to come back. kUnavailable when the address cannot be had. The stores outlive it.
  static Result<std::unique_ptr<Controller>> create(boost::asio::io_context& io, ControllerOptions options,
                                                    const store::Stores& stores);
  virtual ~Controller() = default;

  /// Accepts a flare: it runs, or waits. Errors: kNeverFits, kBusy (queue full), kUnavailable (no invoker), kInvalid
  /// (an unknown backend, or one that is not configured).
  virtual void start_flare(FlareRequest request, Callback<FlareTicket> done) = 0;
  /// Answers when the flare has ended, or with kTimedOut at `deadline`. kNotFound, also for one that ended so long ago
  /// that it may have to be read from a disk: ask the store then.
  virtual void wait_flare(std::string namespace_name, FlareId id, SteadyTime deadline,
                          Callback<store::FlarePtr> done) = 0;
  /// A flare that has not ended, or has. kNotFound as with wait_flare().
  virtual void get_flare(std::string namespace_name, FlareId id, Detail detail, Callback<FlareSnapshot> done) = 0;
  /// The flares that have not ended, newest first, as summaries.
  virtual void list_active(std::string namespace_name, Callback<std::vector<FlareSnapshot>> done) = 0;
  /// What workers have written so far; of a flare that has ended, as long as its record is in memory. kNotFound.
  virtual void read_logs(std::string namespace_name, LogQuery query, Callback<LogPage> done) = 0;
  /// Ends a flare. Answers once it has ended. kNotFound, also when it had ended before.
  virtual void cancel_flare(std::string namespace_name, FlareId id, Callback<store::FlarePtr> done) = 0;
  /// The flares that wait, in the order in which they would start. Positions count those of other namespaces.
  virtual void list_queue(std::string namespace_name, Callback<std::vector<FlareSnapshot>> done) = 0;
  virtual void status(Callback<Status> done) = 0;
  /// For Prometheus (controller/metrics.h).
  virtual void metrics(Callback<std::string> done) = 0;
  /// `invoker` is a name, or an id as text. Remembered by its name, also when it comes again, and as long as the stores
  /// last. Answers with what it has still. kNotFound.
  virtual void set_use(std::string invoker, InvokerUse use, Callback<InvokerStatus> done) = 0;
  /// Sends the action's code to every invoker ahead of its first flare.
  virtual void distribute(store::ActionPtr action) = 0;

  /// Where invokers connect to, with the kernel's choice of port.
  [[nodiscard]] virtual std::string invoker_address() const = 0;
  /// Cancels or leaves all flares, tells the invokers goodbye and answers when nothing is left to do; at most two
  /// seconds.
  virtual void shut_down(OpenFlares flares, std::move_only_function<void()> done) = 0;
};

}  // namespace gust::controller
