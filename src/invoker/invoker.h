// The node agent: joins a controller, starts the packs that it orders, and reports what becomes of them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "container/driver.h"
#include "invoker/config.h"

namespace gust::invoker {

enum class Signals : std::uint8_t {
  kIgnore,
  kStop,  ///< SIGTERM and SIGINT end run()
};

class Invoker {
 public:
  /// Locks and empties the state directory; connects to nothing yet. Errors: kInvalid for a configuration that cannot
  /// work, kExists for a state directory in use, kInternal.
  static Result<std::unique_ptr<Invoker>> create(InvokerConfig config, std::unique_ptr<container::Driver> driver);
  virtual ~Invoker() = default;

  /// Runs on the calling thread, once, until stop() or an end of its own. Packs are gone when it returns. Errors:
  /// kVersionMismatch, kDenied, kExists, kInvalid (the controller refused this invoker, and says why), kUnavailable (no
  /// controller for longer than the grace period, or the container driver is lost).
  virtual Result<void> run(Signals signals) = 0;

  /// Ends run(); from any thread.
  virtual void stop() = 0;

  /// For monitoring, from any thread: calls `done` on the thread of run(), and not at all once that has ended.
  /// Why it can be given no packs now; empty: it can.
  virtual void readiness(std::move_only_function<void(std::string)> done) = 0;
  /// In the text format of Prometheus.
  virtual void metrics(std::move_only_function<void(std::string)> done) = 0;
};

}  // namespace gust::invoker
