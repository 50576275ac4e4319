// The one thread that writes. What is to be written collects in its sources; a group of it is one transaction.
#pragma once

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "store/sqlite/database.h"
#include "store/store.h"

namespace gust::store {

/// A store as the writer sees it. Called on the writer's thread only.
class WriteSource {
 public:
  virtual ~WriteSource() = default;
  /// Writes what has collected, inside the writer's transaction. After an error all of it will be asked for again.
  virtual Result<void> write(Database& database) = 0;
  /// What the last write() wrote is in the database.
  virtual void written() = 0;
};

enum class Urgency : std::uint8_t {
  kGroup,  ///< within kGroupTime, with what comes until then
  kNow,
};

class Writer final : public Journal {
 public:
  /// Ended flares are written at most 100 ms after they ended: half of that to collect, the rest to write.
  static constexpr std::chrono::milliseconds kGroupTime{50};
  /// After a failure, say a full disk.
  static constexpr std::chrono::milliseconds kRetryTime{1000};
  /// How often sources are asked though nothing is new: what has grown too old is removed.
  static constexpr std::chrono::seconds kIdleTime{60};

  explicit Writer(Database database) : database_(std::move(database)) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  /// Writes what is left, unless that fails.
  ~Writer() override { stop(); }

  /// The sources must live until stop().
  void start(std::vector<WriteSource*> sources) GUST_EXCLUDES(mutex_);
  void stop() GUST_EXCLUDES(mutex_);

  /// Something has collected. Does not wait.
  void wake(Urgency urgency) GUST_EXCLUDES(mutex_);
  /// Calls `done` on the writer's thread, after the next try to write.
  void when_written(std::move_only_function<void(Result<void>)> done) override GUST_EXCLUDES(mutex_);

 private:
  using Waiters = std::vector<std::move_only_function<void(Result<void>)>>;

  void run() GUST_EXCLUDES(mutex_);
  /// Waits for something to write; takes who waits for it. False at the end.
  bool wait_for_work(SteadyTime not_before, Waiters& waiters) GUST_EXCLUDES(mutex_);
  Result<void> write_group();
  void tell(const Result<void>& result);

  Database database_;
  std::vector<WriteSource*> sources_;
  bool failing_ = false;  // only on the thread
  Mutex mutex_;
  CondVar changed_;
  bool awake_ GUST_GUARDED_BY(mutex_) = false;
  bool urgent_ GUST_GUARDED_BY(mutex_) = false;
  bool stopping_ GUST_GUARDED_BY(mutex_) = false;
  SteadyTime first_ GUST_GUARDED_BY(mutex_);  ///< when the oldest of what has collected came
  Waiters waiters_ GUST_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace gust::store
