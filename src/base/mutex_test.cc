#include "base/mutex.h"

#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace gust {
namespace {

class Counter {
 public:
  void add() GUST_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    ++value_;
    changed_.notify_all();
  }
  int wait_for(int value) GUST_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (value_ < value) changed_.wait(mutex_);
    return value_;
  }
  bool reaches(int value, SteadyTime deadline) GUST_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (value_ < value) {
      if (!changed_.wait_until(mutex_, deadline)) return value_ >= value;
    }
    return true;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int value_ GUST_GUARDED_BY(mutex_) = 0;
};

TEST(Mutex, CountsOfSeveralThreadsAddUpAndWakeTheWaiter) {
  constexpr int kThreads = 4;
  constexpr int kEach = 1000;
  Counter counter;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&counter] {
      for (int k = 0; k < kEach; ++k) counter.add();
    });
  }
  EXPECT_EQ(counter.wait_for(kThreads * kEach), kThreads * kEach);
}

TEST(CondVar, SaysWhenTheDeadlineHasPassed) {
  Counter counter;
  EXPECT_FALSE(counter.reaches(1, std::chrono::steady_clock::now() + std::chrono::milliseconds(1)));
  counter.add();
  EXPECT_TRUE(counter.reaches(1, std::chrono::steady_clock::now()));
}

}  // namespace
}  // namespace gust
