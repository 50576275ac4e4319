#include "invoker/controller_link.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "protocol/version.h"

namespace gust::invoker {

namespace {

using std::chrono::milliseconds;

// Short, because a controller that is just starting should find its invokers at once.
constexpr milliseconds kFirstBackoff{20};
constexpr milliseconds kLongestBackoff{250};
// With a controller that asks for none in particular.
constexpr milliseconds kHeartbeat{1'000};
// From the attempt to connect until the controller's Welcome.
constexpr milliseconds kAttemptTime{3'000};

bool is_refusal(ErrorCode code) {
  return code == ErrorCode::kVersionMismatch || code == ErrorCode::kDenied || code == ErrorCode::kExists ||
         code == ErrorCode::kInvalid;
}

}  // namespace

ControllerLink::ControllerLink(boost::asio::io_context& io, Membership& membership, std::string target,
                               protocol::Hello hello, milliseconds grace, LinkEvents events)
    : io_(io),
      membership_(membership),
      target_(std::move(target)),
      hello_(std::move(hello)),
      grace_(grace),
      events_(std::move(events)),
      timer_(io) {}

void ControllerLink::connect(milliseconds patience) {
  start_search(patience);
  membership_.keep_fresh();
  attempt();
}

void ControllerLink::reconnect() {
  if (grace_ == milliseconds(0)) return give_up({ErrorCode::kUnavailable, "the session with it has ended"});
  attempt();
}

void ControllerLink::drop(const Error& reason) { ended(reason); }

void ControllerLink::send(std::shared_ptr<const protocol::InvokerMessage> message) {
  if (stream_) stream_->write(std::move(message));
}

void ControllerLink::start_search(milliseconds patience) {
  patience_ = patience;
  give_up_at_ = std::chrono::steady_clock::now() + patience;
  backoff_ = kFirstBackoff;
}

void ControllerLink::attempt() {
  joined_ = false;
  if (membership_.ready()) return open_stream();
  membership_.obtain([this](const Result<void>& obtained) {
    if (obtained) return open_stream();
    if (obtained.error().code == ErrorCode::kUnavailable) return try_again_after(obtained.error());
    events_.gave_up(obtained.error());
  });
}

void ControllerLink::open_stream() {
  hello_on_its_way_ = true;
  auto stream = ControlStream::open(io_, thread_, target_, membership_.identity(),
                                    {.message = [this](const protocol::ControllerMessage& message) { take(message); },
                                     .written =
                                         [this] {
                                           if (!std::exchange(hello_on_its_way_, false)) events_.sent();
                                         },
                                     .ended = [this](const Error& error) { ended(error); }});
  if (!stream) return attempt_failed(stream.error());
  stream_ = std::move(*stream);
  auto message = std::make_shared<protocol::InvokerMessage>();
  *message->mutable_hello() = hello_;
  events_.introduce(*message->mutable_hello());
  stream_->write(std::move(message));
  timer_.expires_after(kAttemptTime);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error || !stream_ || joined_) return;
    stream_.reset();
    try_again_after({ErrorCode::kUnavailable, fmt::format("no answer within {} s", kAttemptTime.count() / 1000)});
  });
}

void ControllerLink::take(const protocol::ControllerMessage& message) {
  if (joined_) {
    events_.message(message);
    return;
  }
  if (!message.has_welcome()) return ended({ErrorCode::kUnavailable, "its first message was not a Welcome"});
  if (message.welcome().protocol_version() != protocol::kProtocolVersion) {
    return ended({ErrorCode::kVersionMismatch,
                  fmt::format("it speaks version {} of the protocol, this invoker version {}; install the same release "
                              "on both",
                              message.welcome().protocol_version(), protocol::kProtocolVersion)});
  }
  timer_.cancel();
  const std::chrono::milliseconds heartbeat(message.welcome().heartbeat_ms());
  stream_->begin_heartbeat(heartbeat.count() > 0 ? heartbeat : kHeartbeat);
  joined_ = true;
  ever_joined_ = true;
  events_.joined(message.welcome());
}

void ControllerLink::ended(const Error& error) {
  // This may be called from within the stream's own event, which keeps what it needs until it returns.
  timer_.cancel();
  stream_.reset();
  if (!std::exchange(joined_, false)) return attempt_failed(error);
  start_search(grace_);
  events_.lost(error);
}

void ControllerLink::attempt_failed(const Error& error) {
  // After a broken connection the controller may still hold the old session: the name is free once it has noticed.
  const bool old_session = error.code == ErrorCode::kExists && ever_joined_;
  if (is_refusal(error.code) && !old_session) {
    return events_.gave_up(error.while_doing(fmt::format("the controller at {} refused this invoker", target_)));
  }
  if (is_refusal(error.code)) return try_again_after(error);
  membership_.explain(error, [this](const Error& explained) {
    is_refusal(explained.code) ? events_.gave_up(explained) : try_again_after(explained);
  });
}

void ControllerLink::try_again_after(const Error& error) {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now >= give_up_at_) return give_up(error);
  timer_.expires_at(std::min(now + backoff_, give_up_at_));
  backoff_ = std::min(backoff_ * 2, kLongestBackoff);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) attempt();
  });
}

void ControllerLink::give_up(const Error& last) {
  const std::string time =
      patience_ == milliseconds(0) ? "" : fmt::format(" for {:g} s", static_cast<double>(patience_.count()) / 1000);
  events_.gave_up(
      {ErrorCode::kUnavailable, fmt::format("no controller at {}{}; gave up ({})", target_, time, last.message)});
}

}  // namespace gust::invoker
