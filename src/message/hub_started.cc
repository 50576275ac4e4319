// Messages that are sent, and received, by calls that do not wait: another part of Hub.
#include <algorithm>
#include <utility>

#include "message/hub.h"

namespace gust::message {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// When the sender's pack is told that a message is waited for: as in Hub::recv, first soon and then ever more rarely.
constexpr std::chrono::milliseconds kFirstInterest{2};
constexpr std::chrono::milliseconds kLastInterest{1000};

std::string name(WorkerId worker) { return "worker " + std::to_string(worker.value()); }

}  // namespace

Result<std::shared_ptr<StartedSend>> Hub::start_send(WorkerId self, WorkerId to, Buffer data, SteadyTime deadline) {
  GUST_TRY_VOID(check_worker(to));
  if (const auto error = aborted()) return std::unexpected(*error);
  if (const auto error = ended_error(to)) return std::unexpected(*error);
  auto send = std::make_shared<StartedSend>(self, to);
  if (layout_.local().contains(to)) {
    counters_.local(data.size());
    mailbox(to).push(send, std::move(data), options_.local_limit);
    return send;
  }
  GUST_TRY(transport());
  outbox_.post({.send = send, .data = std::move(data), .deadline = deadline});
  return send;
}

// On the outbox's thread.
std::optional<Result<void>> Hub::try_send(const Outbox::Item& item) {
  const WorkerId to = item.send->to;
  const PackId pack = layout_.pack_of(to);
  if (const auto error = aborted()) return std::unexpected(*error);
  if (const auto error = ended_error(to)) return std::unexpected(*error);
  Result<Transport*> ready = transport();
  if (!ready) return std::unexpected(std::move(ready).error());
  const bool late = Clock::now() >= item.deadline;
  if (const auto connected = (*ready)->connect(pack, Clock::now()); !connected) {
    if (connected.error().code == ErrorCode::kTimedOut && !late) return std::nullopt;
    return connected;
  }
  {
    const MutexLock lock(state_mutex_);
    contacts_.try_emplace(pack);
  }
  const Piece piece = item.data.bytes();
  FrameHeader header;
  header.kind = FrameKind::kDirect;
  header.from = item.send->from.value();
  header.to = to.value();
  header.message_bytes = piece.size();
  if (!flow_.try_begin(pack, {header.kind, header.from, header.to}, piece.size() + kMessageOverhead)) {
    if (!late) return std::nullopt;
    return fail(ErrorCode::kTimedOut, "timed out: " + layout_.name(pack) + " has not received what was sent to it");
  }
  return send_begun(**ready, pack, header, {&piece, 1}, item.deadline);
}

// Of a started send; nothing as long as it goes on.
std::optional<Result<void>> Hub::outcome_of(const StartedSend& send) {
  if (send.over.load(std::memory_order_acquire)) {
    return send.error ? Result<void>(std::unexpected(*send.error)) : Result<void>();
  }
  if (const auto error = aborted()) return std::unexpected(*error);
  if (layout_.local().contains(send.to)) {
    if (const auto error = ended_error(send.to)) return std::unexpected(*error);
  }
  return std::nullopt;
}

bool Hub::is_over(const StartedSend& send) { return outcome_of(send).has_value(); }

Result<void> Hub::wait(const StartedSend& send, SteadyTime deadline) {
  Signal& news = layout_.local().contains(send.to) ? mailbox(send.to).taken : outbox_.left;
  while (true) {
    const std::uint32_t seen = news.epoch();
    if (auto outcome = outcome_of(send)) return *std::move(outcome);
    if (Clock::now() >= deadline) {
      return fail(ErrorCode::kTimedOut,
                  "timed out: " + name(send.to) + " has not received what " + name(send.from) + " sent to it");
    }
    news.wait(seen, deadline);
  }
}

Result<std::shared_ptr<StartedReceive>> Hub::start_recv(WorkerId self, std::optional<WorkerId> from) {
  if (from) GUST_TRY_VOID(check_worker(*from));
  auto receive = std::make_shared<StartedReceive>(self, from);
  const bool concerns_others = layout_.packs() > 1 && !(from && layout_.local().contains(*from));
  if (concerns_others) GUST_TRY(transport());  // to hear of others, and for them to reach us
  if (!mailbox(self).post(receive) && concerns_others) express_interest_later(receive);
  return receive;
}

void Hub::express_interest_later(const std::shared_ptr<StartedReceive>& receive) {
  const SteadyTime first = Clock::now() + kFirstInterest;
  {
    const MutexLock lock(posted_mutex_);
    posted_.push_back({receive, first, kFirstInterest});
    if (std::exchange(telling_of_posted_, true)) return;
  }
  const MutexLock lock(link_mutex_);
  if (courier_) courier_->post_at(first, [this] { express_posted_interest(); });
}

// On the courier's thread: again and again, as long as there are receives whose message has not come. In one word a
// pack, because there may be very many of them.
void Hub::express_posted_interest() {
  Interests interests;
  SteadyTime again = SteadyTime::max();
  {
    const MutexLock lock(posted_mutex_);
    const SteadyTime now = Clock::now();
    std::erase_if(posted_, [&](Posted& posted) {
      const auto receive = posted.receive.lock();
      if (!receive || !mailbox(receive->self).is_posted(*receive)) return true;
      if (posted.next <= now) {
        add_interest(interests, receive->self, receive->from);
        posted.delay = std::min(2 * posted.delay, kLastInterest);
        posted.next = now + posted.delay;
      }
      again = std::min(again, posted.next);
      return false;
    });
    telling_of_posted_ = !posted_.empty();
    again = posted_.empty() ? again : std::max<SteadyTime>(again, now + kFirstInterest);
  }
  for (const auto& [pack, ways] : interests) send_control(pack, Control::kInterest, 0, encode_interest(ways));
  if (again == SteadyTime::max()) return;
  const MutexLock lock(link_mutex_);
  if (courier_) courier_->post_at(again, [this] { express_posted_interest(); });
}

bool Hub::is_over(const StartedReceive& receive) {
  const auto failure = receive_failure(receive.self, receive.from);
  return failure || mailbox(receive.self).has_message(receive);
}

Result<Received> Hub::wait(StartedReceive& receive, SteadyTime deadline) {
  Mailbox& box = mailbox(receive.self);
  while (true) {
    const std::uint32_t seen = box.arrived.epoch();
    const auto failure = receive_failure(receive.self, receive.from);  // before the look: what came before counts
    if (auto received = box.collect(receive)) return finished(std::move(*received));
    if (failure) {
      box.withdraw(receive);
      return std::unexpected(*failure);
    }
    if (Clock::now() >= deadline) return std::unexpected(receive_timed_out(receive.self, receive.from));
    box.arrived.wait(seen, deadline);
  }
}

void Hub::withdraw(StartedReceive& receive) { mailbox(receive.self).withdraw(receive); }

void Hub::settle(WorkerId self) {
  while (true) {
    const std::uint32_t seen = outbox_.left.epoch();
    if (!outbox_.holds(self, std::nullopt)) return;
    outbox_.left.wait(seen, SteadyTime::max());
  }
}

}  // namespace gust::message
