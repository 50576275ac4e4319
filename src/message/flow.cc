#include "message/flow.h"

#include <algorithm>
#include <utility>

namespace gust::message {

namespace {

// Credit is sent when this part of the budget has been taken, so what is outstanding below it may be taken already.
constexpr std::size_t kCreditPart = 8;

}  // namespace

bool Flow::try_begin(PackId pack, const Way& way, std::size_t bytes) {
  const MutexLock lock(mutex_);
  std::size_t& outstanding = outstanding_[pack];
  bool may_go = outstanding + bytes <= budget_ || outstanding <= budget_ / kCreditPart;
  if (!wanted_.empty()) {
    // Both are used up: the receiver waits for one message, and says so again.
    const bool wanted = wanted_.erase({pack, way}) > 0;
    const bool wanted_from_any = wanted_.erase({pack, {way.kind, kAny, way.to}}) > 0;
    may_go = may_go || wanted || wanted_from_any;
  }
  if (may_go) outstanding += bytes;
  return may_go;
}

void Flow::credit(PackId pack, std::size_t bytes) {
  {
    const MutexLock lock(mutex_);
    std::size_t& outstanding = outstanding_[pack];
    outstanding -= std::min(outstanding, bytes);
  }
  changed.notify();
}

void Flow::interest(PackId pack, std::span<const Way> ways) {
  bool is_new = false;
  {
    const MutexLock lock(mutex_);
    for (const Way& way : ways) is_new |= wanted_.insert({pack, way}).second;
  }
  if (is_new) changed.notify();
}

std::size_t Flow::taken(PackId pack, std::size_t bytes) {
  const MutexLock lock(mutex_);
  std::size_t& credit = to_credit_[pack];
  credit += bytes;
  return credit * kCreditPart >= budget_ ? std::exchange(credit, 0) : 0;
}

}  // namespace gust::message
