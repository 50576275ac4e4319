#include "message/mailbox.h"

#include <iterator>
#include <utility>

namespace gust::message {

void Mailbox::append(WorkerId from, Buffer data) {
  bytes_ += data.size() + kMessageOverhead;
  entries_.push_back({from, std::move(data)});
  sources_[from.value()].entries.push_back(std::prev(entries_.end()));
}

void Mailbox::put(WorkerId from, Buffer data) {
  {
    const MutexLock lock(mutex_);
    append(from, std::move(data));
  }
  arrived.notify();
}

bool Mailbox::offer(WorkerId from, Buffer& data, std::size_t limit) {
  {
    const MutexLock lock(mutex_);
    if (bytes_ + data.size() + kMessageOverhead > limit && waiting_for_any_ == 0) {
      const Source& source = sources_[from.value()];
      if (!source.entries.empty() && source.waiting == 0) return false;
    }
    append(from, std::move(data));
  }
  arrived.notify();
  return true;
}

std::optional<Received> Mailbox::take(std::optional<WorkerId> from) {
  std::optional<Received> received;
  {
    const MutexLock lock(mutex_);
    if (entries_.empty()) return std::nullopt;
    const WorkerId sender = from.value_or(entries_.front().from);
    const auto source = sources_.find(sender.value());
    if (source == sources_.end() || source->second.entries.empty()) return std::nullopt;
    const auto entry = source->second.entries.front();
    source->second.entries.pop_front();
    received = Received{sender, std::move(entry->data)};
    entries_.erase(entry);
    bytes_ -= received->data.size() + kMessageOverhead;
  }
  taken.notify();
  return received;
}

void Mailbox::begin_wait(std::optional<WorkerId> from) {
  {
    const MutexLock lock(mutex_);
    ++(from ? sources_[from->value()].waiting : waiting_for_any_);
  }
  taken.notify();
}

void Mailbox::end_wait(std::optional<WorkerId> from) {
  const MutexLock lock(mutex_);
  --(from ? sources_[from->value()].waiting : waiting_for_any_);
}

}  // namespace gust::message
