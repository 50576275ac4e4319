#include "controller/link_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace gust::controller {

bool LinkQueue::must_wait(const protocol::ControllerMessage& message) const {
  using Kind = protocol::ControllerMessage;
  const auto has_not_started = [this](const std::string& flare) { return starts_.contains(flare); };
  switch (message.message_case()) {
    case Kind::kCode: return true;
    case Kind::kDropCode: return !behind_.empty();
    case Kind::kStartPacks: return pieces_.contains(message.start_packs().code_digest());
    case Kind::kStopFlare: return has_not_started(message.stop_flare().flare_id());
    case Kind::kPeers: return has_not_started(message.peers().flare_id());
    case Kind::kForget: return std::ranges::any_of(message.forget().flare_ids(), has_not_started);
    case Kind::kReleased:
    case Kind::kWelcome:
    case Kind::kRefused:
    case Kind::kDiscovered:
    case Kind::kCertificate:
    case Kind::MESSAGE_NOT_SET: break;
  }
  return false;
}

void LinkQueue::push(MessagePtr message) {
  if (!must_wait(*message)) return first_.push_back(std::move(message));
  if (message->has_code()) ++pieces_[message->code().digest()];
  if (message->has_start_packs()) starts_.insert(message->start_packs().flare_id());
  behind_.push_back(std::move(message));
}

MessagePtr LinkQueue::pop() {
  GUST_CHECK(!empty(), "something waits to be written");
  auto& queue = first_.empty() ? behind_ : first_;
  MessagePtr message = std::move(queue.front());
  queue.pop_front();
  if (message->has_code()) {
    const auto pieces = pieces_.find(message->code().digest());
    if (--pieces->second == 0) pieces_.erase(pieces);
  }
  if (message->has_start_packs()) starts_.erase(message->start_packs().flare_id());
  return message;
}

void LinkQueue::clear() { *this = {}; }

}  // namespace gust::controller
