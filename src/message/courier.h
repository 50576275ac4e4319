// The thread that sends what no worker waits for: credit, interest, ends of workers. Receiving threads hand it over
// here, because one that waited to send could keep its peer from sending.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "base/ids.h"
#include "base/mutex.h"

namespace gust::message {

/// A task runs on the courier's thread; none runs before the one that was posted before it.
class Courier {
 public:
  using Task = std::function<void()>;

  Courier() : thread_([this] { run(); }) {}
  /// Runs what has been posted, without waiting for its time to come, and ends.
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  void post(Task task);
  /// Runs `task` at `at`, or when the courier ends.
  void post_at(SteadyTime at, Task task);

 private:
  void run();

  Mutex mutex_;
  CondVar news_;
  std::deque<Task> tasks_ GUST_GUARDED_BY(mutex_);
  std::multimap<SteadyTime, Task> later_ GUST_GUARDED_BY(mutex_);
  bool ending_ GUST_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace gust::message
