// Locks with clang's thread-safety annotations: the clang build refuses code that touches a guarded member without its
// lock. The annotations are nothing for other compilers.
#pragma once

#include <condition_variable>
#include <mutex>

#include "base/clock.h"

#if defined(__clang__)
#define GUST_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define GUST_THREAD_ANNOTATION(x)
#endif

/// On a type: it is a lock.
#define GUST_CAPABILITY(name) GUST_THREAD_ANNOTATION(capability(name))
/// On a type: it holds a lock for as long as it lives.
#define GUST_SCOPED_CAPABILITY GUST_THREAD_ANNOTATION(scoped_lockable)
/// On a member: only to be touched with the lock held.
#define GUST_GUARDED_BY(mutex) GUST_THREAD_ANNOTATION(guarded_by(mutex))
/// On a pointer: what it points to is only to be touched with the lock held.
#define GUST_PT_GUARDED_BY(mutex) GUST_THREAD_ANNOTATION(pt_guarded_by(mutex))
/// On a function: the caller holds the lock.
#define GUST_REQUIRES(...) GUST_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
/// On a function: the caller does not hold the lock.
#define GUST_EXCLUDES(...) GUST_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
/// On a function: it takes, or lets go of, the lock.
#define GUST_ACQUIRE(...) GUST_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define GUST_RELEASE(...) GUST_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
/// On a function whose locking the analysis cannot follow; say why beside it.
#define GUST_NO_THREAD_SAFETY_ANALYSIS GUST_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace gust {

class CondVar;

/// A mutex; not recursive. Take it with MutexLock.
class GUST_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() GUST_ACQUIRE() { mutex_.lock(); }
  void unlock() GUST_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

/// Holds a Mutex from its construction to the end of its scope.
class GUST_SCOPED_CAPABILITY MutexLock {
 public:
  [[nodiscard]] explicit MutexLock(Mutex& mutex) GUST_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() GUST_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Waits for another thread's news. Wake-ups can be spurious: wait in a loop over the condition. (There is no overload
/// with a predicate, because the analysis does not know that a predicate runs with the lock held.)
class CondVar {
 public:
  /// Lets go of `mutex` while waiting; holds it again on return.
  void wait(Mutex& mutex) GUST_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  /// The same, at most until `deadline`: false when it has passed.
  bool wait_until(Mutex& mutex, SteadyTime deadline) GUST_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const std::cv_status status = condition_.wait_until(lock, deadline);
    lock.release();
    return status == std::cv_status::no_timeout;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace gust
