#include "http/answer.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/status.h"

namespace gust::http {
namespace asio = boost::asio;

Responder Answer::responder(std::shared_ptr<Answer> answer) {
  struct GiveOnce {
    std::shared_ptr<Answer> answer;
    explicit GiveOnce(std::shared_ptr<Answer> to) : answer(std::move(to)) {}
    GiveOnce(GiveOnce&& other) noexcept = default;
    GiveOnce& operator=(GiveOnce&&) = delete;
    ~GiveOnce() {
      if (answer) answer->give(error_response(500, "the request was dropped without an answer; see the server's log"));
    }
    void operator()(Response response) {
      if (const auto to = std::exchange(answer, nullptr)) to->give(std::move(response));
    }
  };
  return GiveOnce(std::move(answer));
}

void Answer::give(Response response) {
  std::move_only_function<void()> resume;
  {
    const std::lock_guard lock(mutex_);
    response_ = std::move(response);
    resume = std::exchange(resume_, nullptr);
  }
  if (resume) resume();
}

Awaitable<Response> Answer::wait() {
  const auto suspend = [this](auto handler) {
    auto executor = asio::get_associated_executor(handler);
    // The guard keeps io_context::run() from returning while nothing but this answer is awaited.
    std::move_only_function<void()> resume = [handler = std::move(handler),
                                              guard = asio::make_work_guard(executor)]() mutable {
      asio::post(guard.get_executor(), std::move(handler));
    };
    {
      const std::lock_guard lock(mutex_);
      if (!response_) {
        resume_ = std::move(resume);
        return;
      }
    }
    resume();
  };
  bool there = false;
  {
    const std::lock_guard lock(mutex_);
    there = response_.has_value();
  }
  if (!there) co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(suspend, asio::use_awaitable);
  const std::lock_guard lock(mutex_);
  co_return std::move(*response_);
}

}  // namespace gust::http
