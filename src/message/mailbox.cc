#include "message/mailbox.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace gust::message {

namespace {

void complete(const std::shared_ptr<StartedSend>& send) {
  if (send) send->over.store(true, std::memory_order_release);
}

}  // namespace

bool Mailbox::append(Entry entry) {
  const auto receive =
      std::ranges::find_if(posted_, [&](const auto& posted) { return !posted->from || *posted->from == entry.from; });
  if (receive != posted_.end()) {
    StartedReceive& taker = **receive;
    taker.message = Received{entry.from, std::move(entry.data), true};
    taker.posted = false;
    count_waiting(taker.from, -1);
    posted_.erase(receive);
    complete(entry.send);
    return true;
  }
  bytes_ += entry.data.size() + kMessageOverhead;
  entries_.push_back(std::move(entry));
  sources_[entries_.back().from.value()].entries.push_back(std::prev(entries_.end()));
  return false;
}

bool Mailbox::put(WorkerId from, Buffer data) {
  bool was_taken = false;
  {
    const MutexLock lock(mutex_);
    was_taken = append({.from = from, .data = std::move(data), .send = nullptr});
  }
  arrived.notify();
  return was_taken;
}

bool Mailbox::is_full_for(WorkerId from, std::size_t bytes, std::size_t limit) {
  if (bytes_ + bytes + kMessageOverhead <= limit || waiting_for_any_ > 0) return false;
  const Source& source = sources_[from.value()];
  return !source.entries.empty() && source.waiting == 0;
}

bool Mailbox::offer(WorkerId from, Buffer& data, std::size_t limit) {
  {
    const MutexLock lock(mutex_);
    if (is_full_for(from, data.size(), limit)) return false;
    append({.from = from, .data = std::move(data), .send = nullptr});
  }
  arrived.notify();
  return true;
}

void Mailbox::push(const std::shared_ptr<StartedSend>& send, Buffer data, std::size_t limit) {
  {
    const MutexLock lock(mutex_);
    const bool full = is_full_for(send->from, data.size(), limit);
    if (!full) complete(send);
    append({.from = send->from, .data = std::move(data), .send = full ? send : nullptr});
  }
  arrived.notify();
  taken.notify();
}

std::optional<Received> Mailbox::take_locked(std::optional<WorkerId> from) {
  if (entries_.empty()) return std::nullopt;
  const WorkerId sender = from.value_or(entries_.front().from);
  const auto source = sources_.find(sender.value());
  if (source == sources_.end() || source->second.entries.empty()) return std::nullopt;
  const auto entry = source->second.entries.front();
  source->second.entries.pop_front();
  Received received{sender, std::move(entry->data), entry->counted};
  complete(entry->send);
  entries_.erase(entry);
  bytes_ -= received.data.size() + kMessageOverhead;
  return received;
}

std::optional<Received> Mailbox::take(std::optional<WorkerId> from) {
  std::optional<Received> received;
  {
    const MutexLock lock(mutex_);
    received = take_locked(from);
  }
  if (received) taken.notify();
  return received;
}

bool Mailbox::post(const std::shared_ptr<StartedReceive>& receive) {
  bool there = false;
  {
    const MutexLock lock(mutex_);
    receive->message = take_locked(receive->from);
    there = receive->message.has_value();
    if (!there) {
      receive->posted = true;
      posted_.push_back(receive);
      count_waiting(receive->from, 1);
    }
  }
  taken.notify();
  return there;
}

bool Mailbox::has_message(const StartedReceive& receive) {
  const MutexLock lock(mutex_);
  return receive.message.has_value();
}

bool Mailbox::is_posted(const StartedReceive& receive) {
  const MutexLock lock(mutex_);
  return receive.posted;
}

std::optional<Received> Mailbox::collect(StartedReceive& receive) {
  const MutexLock lock(mutex_);
  return std::exchange(receive.message, std::nullopt);
}

void Mailbox::withdraw(StartedReceive& receive) {
  {
    const MutexLock lock(mutex_);
    if (receive.posted) {
      receive.posted = false;
      std::erase_if(posted_, [&](const auto& posted) { return posted.get() == &receive; });
      count_waiting(receive.from, -1);
    }
    auto message = std::exchange(receive.message, std::nullopt);
    if (!message) return;
    Entry entry{.from = message->from, .data = std::move(message->data), .counted = message->counted, .send = nullptr};
    Source& source = sources_[entry.from.value()];
    // Receives that were started after this one wait for the messages after this one's, and get this one now.
    const auto next =
        std::ranges::find_if(posted_, [&](const auto& posted) { return !posted->from || *posted->from == entry.from; });
    if (next != posted_.end()) {
      append(std::move(entry));
    } else {
      bytes_ += entry.data.size() + kMessageOverhead;
      entries_.push_front(std::move(entry));
      source.entries.push_front(entries_.begin());
    }
  }
  arrived.notify();
}

void Mailbox::count_waiting(std::optional<WorkerId> from, int change) {
  std::uint32_t& waiting = from ? sources_[from->value()].waiting : waiting_for_any_;
  waiting = static_cast<std::uint32_t>(static_cast<int>(waiting) + change);
}

void Mailbox::begin_wait(std::optional<WorkerId> from) {
  {
    const MutexLock lock(mutex_);
    count_waiting(from, 1);
  }
  taken.notify();
}

void Mailbox::end_wait(std::optional<WorkerId> from) {
  const MutexLock lock(mutex_);
  count_waiting(from, -1);
}

}  // namespace gust::message
