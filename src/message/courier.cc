#include "message/courier.h"

#include <utility>

namespace gust::message {

Courier::~Courier() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  news_.notify_all();
  thread_.join();
}

void Courier::post(Task task) {
  {
    const MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  news_.notify_one();
}

void Courier::post_at(SteadyTime at, Task task) {
  {
    const MutexLock lock(mutex_);
    later_.emplace(at, std::move(task));
  }
  news_.notify_one();
}

void Courier::run() {
  while (true) {
    Task task;
    {
      const MutexLock lock(mutex_);
      while (tasks_.empty()) {
        const auto first = later_.begin();
        if (first != later_.end() && (ending_ || first->first <= std::chrono::steady_clock::now())) {
          tasks_.push_back(std::move(first->second));
          later_.erase(first);
        } else if (ending_) {
          return;
        } else if (first != later_.end()) {
          const SteadyTime at = first->first;
          news_.wait_until(mutex_, at);
        } else {
          news_.wait(mutex_);
        }
      }
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace gust::message
