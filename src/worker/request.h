// A call that was started and is waited for later: the C ABI's gust_request.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "message/hub.h"
#include "message/signal.h"

namespace gust::worker {

/// What a call gives: as many buffers as its blocking form, and of a receive the sender.
struct Given {
  std::vector<message::Buffer> buffers;
  std::uint32_t sender = 0;
};

}  // namespace gust::worker

/// Used by one thread at a time. Its end does not end the call, except a receive's.
struct gust_request {
  gust_request() = default;
  gust_request(const gust_request&) = delete;
  gust_request& operator=(const gust_request&) = delete;
  virtual ~gust_request() = default;
  /// wait() would not block.
  virtual bool ready() = 0;
  /// What the call gives, once; its error, as often as asked. kTimedOut at `deadline`, which leaves the call going on:
  /// ready() tells it from the call's own time-out.
  virtual gust::Result<gust::worker::Given> wait(gust::SteadyTime deadline) = 0;
};

namespace gust::worker {

class SendRequest final : public gust_request {
 public:
  SendRequest(message::Hub& hub, std::shared_ptr<message::StartedSend> send) : hub_(hub), send_(std::move(send)) {}
  bool ready() override { return hub_.is_over(*send_); }
  Result<Given> wait(SteadyTime deadline) override;

 private:
  message::Hub& hub_;
  std::shared_ptr<message::StartedSend> send_;
};

class ReceiveRequest final : public gust_request {
 public:
  ReceiveRequest(message::Hub& hub, std::shared_ptr<message::StartedReceive> receive)
      : hub_(hub), receive_(std::move(receive)) {}
  ~ReceiveRequest() override { hub_.withdraw(*receive_); }
  bool ready() override { return over_ || hub_.is_over(*receive_); }
  Result<Given> wait(SteadyTime deadline) override;

 private:
  message::Hub& hub_;
  std::shared_ptr<message::StartedReceive> receive_;
  std::optional<Error> over_;  ///< why there is nothing more to wait for
};

/// An operation of all workers, which a thread of the worker's runs to its end, whoever waits for it.
struct StartedCollective {
  Mutex mutex;
  std::optional<Result<Given>> outcome GUST_GUARDED_BY(mutex);
  message::Signal over;
  std::function<std::string()> waits_for;

  void finish(Result<Given> result);
};

class CollectiveRequest final : public gust_request {
 public:
  explicit CollectiveRequest(std::shared_ptr<StartedCollective> started) : started_(std::move(started)) {}
  bool ready() override;
  Result<Given> wait(SteadyTime deadline) override;

 private:
  std::shared_ptr<StartedCollective> started_;
};

}  // namespace gust::worker
