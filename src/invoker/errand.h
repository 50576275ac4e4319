// Work that blocks, on a thread of its own.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <stop_token>
#include <thread>
#include <utility>

namespace gust::invoker {

/// Its destructor asks the work to stop and waits for it. Only on the io_context's thread, which does not run out of
/// work meanwhile.
class Errand {
 public:
  /// `done` gets what `work` returned, on the io_context's thread, unless the errand has been destroyed. It may destroy
  /// it.
  template <class Work, class Done>
  Errand(boost::asio::io_context& io, Work work, Done done)
      : thread_([&io, guard = boost::asio::make_work_guard(io), alive = std::weak_ptr(alive_), work = std::move(work),
                 done = std::move(done)](const std::stop_token& stop) mutable {
          boost::asio::post(io, [alive, done = std::move(done), result = work(stop)]() mutable {
            if (alive.lock()) done(std::move(result));
          });
        }) {}

 private:
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  std::jthread thread_;  // last: it ends before the rest goes
};

}  // namespace gust::invoker
