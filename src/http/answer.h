// Where a Responder, called on any thread, meets the connection that waits for it. Inside the module only.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "http/handler.h"
#include "http/stream.h"

namespace gust::http {

/// One answer for one waiter.
class Answer {
 public:
  /// A Responder that gives `answer` its value, once; 500 if it is destroyed uncalled.
  static Responder responder(std::shared_ptr<Answer> answer);

  /// Resumes on the caller's executor, when the answer is there. Once.
  Awaitable<Response> wait();

 private:
  void give(Response response);

  std::mutex mutex_;
  std::optional<Response> response_;
  std::move_only_function<void()> resume_;
};

}  // namespace gust::http
