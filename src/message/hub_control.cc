// What packs tell each other beside their messages: the other half of Hub.
#include <algorithm>
#include <cstring>
#include <utility>

#include "message/hub.h"

namespace gust::message {

namespace {

using namespace std::chrono_literals;

// The ends of a pack's workers travel together when they come together.
constexpr auto kTellEndsAfter = 5ms;
// A peer that does not listen must not hold up the end of this pack for longer.
constexpr auto kControlPatience = 1s;
// Of the error's text that others are shown.
constexpr std::size_t kMaxHow = 1000;

struct EndedEntry {
  std::uint32_t worker = 0;
  std::uint32_t collectives = 0;
  std::uint32_t how_bytes = 0;
};

}  // namespace

void Hub::send_control(PackId pack, Control control, std::uint64_t argument, std::string_view payload) {
  Transport* transport = ready_transport_.load(std::memory_order_acquire);
  if (transport == nullptr) return;
  FrameHeader header;
  header.kind = FrameKind::kControl;
  header.from = layout_.self().value();
  header.to = pack.value();
  header.tag = static_cast<std::uint64_t>(control);
  header.argument = argument;
  header.message_bytes = payload.size();
  const SteadyTime now = std::chrono::steady_clock::now();
  // A pack that has not got in touch yet has nothing to hear but ends; whoever waits for it asks again.
  const bool is_end = control == Control::kEnded || control == Control::kFailed || control == Control::kLeft;
  auto sent = transport->connect(pack, is_end ? now + kControlPatience : now);
  const Piece piece = std::as_bytes(std::span(payload));
  if (sent) sent = send_frames(*transport, pack, header, {&piece, 1}, now + kControlPatience);
  if (sent || sent.error().code != ErrorCode::kUnavailable) return;
  // It is gone. If it said more than has been read, or the cause is on its way, that comes first.
  const PackId gone = control == Control::kLeft ? PackId(static_cast<std::uint32_t>(argument)) : pack;
  const SteadyTime known = std::chrono::steady_clock::now() + options_.loss_grace;
  const MutexLock lock(link_mutex_);
  if (!courier_) return;
  courier_->post_at(known, [this, gone] {
    if (!aborted()) pack_ended(gone);
  });
}

void Hub::post_control(PackId pack, Control control, std::uint64_t argument, std::string payload) {
  const MutexLock lock(link_mutex_);
  if (!courier_) return;
  courier_->post([this, pack, control, argument, payload = std::move(payload)] {
    send_control(pack, control, argument, payload);
  });
}

void Hub::worker_ended(WorkerId self, std::uint32_t collectives, std::string how) {
  bool tell = false;
  {
    const MutexLock lock(state_mutex_);
    how.resize(std::min(how.size(), kMaxHow));
    const auto [entry, added] = ended_.try_emplace(self, EndedWorker{collectives, std::move(how)});
    if (!added) return;
    ++ended_of_pack_[layout_.self()];
    if (!earliest_ended_ || collectives < earliest_ended_->second.collectives) earliest_ended_ = *entry;
    ended_to_tell_.push_back(self);
    tell = ready_transport_.load(std::memory_order_acquire) != nullptr && !std::exchange(telling_, true);
  }
  wake_all();
  if (!tell) return;
  const MutexLock lock(link_mutex_);
  if (courier_) courier_->post_at(std::chrono::steady_clock::now() + kTellEndsAfter, [this] { tell_ended(); });
}

std::string Hub::encode_ended(const std::vector<WorkerId>& workers) {
  std::string payload;
  for (const WorkerId worker : workers) {
    const EndedWorker& ended = ended_.at(worker);
    const EndedEntry entry{worker.value(), ended.collectives, static_cast<std::uint32_t>(ended.how.size())};
    payload.append(reinterpret_cast<const char*>(&entry), sizeof entry);
    payload += ended.how;
  }
  return payload;
}

void Hub::tell_ended() {
  std::string payload;
  std::set<PackId> contacts;
  {
    const MutexLock lock(state_mutex_);
    telling_ = false;
    payload = encode_ended(std::exchange(ended_to_tell_, {}));
    contacts = contacts_;
  }
  if (payload.empty()) return;
  for (const PackId pack : contacts) send_control(pack, Control::kEnded, 0, payload);
}

void Hub::pack_ended(PackId pack) {
  {
    const MutexLock lock(state_mutex_);
    packs_ended_.insert(pack);
  }
  wake_all();
}

// A word to ourselves, the way that the pack's messages come: all that it sent was in the server before it ended.
void Hub::pack_left(PackId pack) {
  {
    const MutexLock lock(link_mutex_);
    if (!courier_) {
      left_.push_back(pack);
      return;
    }
  }
  post_control(layout_.self(), Control::kLeft, pack.value(), {});
}

void Hub::fail_collectives(const Error& error) {
  {
    const MutexLock lock(state_mutex_);
    if (collective_error_) return;
    collective_error_ = error;
  }
  wake_all();
  if (ready_transport_.load(std::memory_order_acquire) == nullptr) return;
  for (std::uint32_t p = 0; p < layout_.packs(); ++p) {
    if (PackId(p) != layout_.self()) {
      post_control(PackId(p), Control::kFailed, static_cast<std::uint64_t>(error.code), error.message);
    }
  }
}

std::optional<Error> Hub::collective_failure(std::uint32_t number) {
  const MutexLock lock(state_mutex_);
  if (abort_) return abort_;
  if (collective_error_) return collective_error_;
  if (!earliest_ended_ || earliest_ended_->second.collectives > number) return std::nullopt;
  return Error{ErrorCode::kUnavailable, "worker " + std::to_string(earliest_ended_->first.value()) + " has ended (" +
                                            earliest_ended_->second.how +
                                            ") without taking part in a collective that the others are in"};
}

void Hub::on_collective_news(std::function<void()> call) {
  const MutexLock lock(state_mutex_);
  collective_news_ = std::move(call);
}

Result<std::byte*> Hub::begin_frame(PackId from, const FrameHeader& header) {
  const bool direct = header.kind == FrameKind::kDirect;
  const bool known = direct || header.kind == FrameKind::kCollective || header.kind == FrameKind::kControl;
  const bool plausible =
      direct ? layout_.range(from).contains(WorkerId(header.from)) && layout_.local().contains(WorkerId(header.to))
             : header.from == from.value() && header.to == layout_.self().value();
  if (!known || !plausible) {
    return fail(ErrorCode::kInvalid, layout_.name(from) + " sent a frame that is not for this pack");
  }
  return reassembly_.begin(header);
}

Result<void> Hub::end_frame(PackId /*from*/, const FrameHeader& header) { return reassembly_.end(header); }

void Hub::deliver(const FrameHeader& first, Buffer data) {
  switch (first.kind) {
    case FrameKind::kDirect: {
      const std::size_t bytes = data.size();
      const bool taken = mailbox(WorkerId(first.to)).put(WorkerId(first.from), std::move(data));
      if (taken) took(layout_.pack_of(WorkerId(first.from)), bytes + kMessageOverhead);
      return;
    }
    case FrameKind::kCollective: {
      {
        const MutexLock lock(inbox_mutex_);
        inbox_[{PackId(first.from), first.tag}] = {std::move(data), first.argument};
      }
      inbox_news_.notify();
      return;
    }
    case FrameKind::kControl:
      obey(PackId(first.from), static_cast<Control>(first.tag), first.argument, data.bytes());
      return;
  }
}

void Hub::obey(PackId from, Control control, std::uint64_t argument, Piece payload) {
  switch (control) {
    case Control::kCredit: flow_.credit(from, argument); return;
    case Control::kInterest:
    case Control::kInterestOfPack: {
      Way way{FrameKind::kCollective, layout_.self().value(), from.value()};
      if (control == Control::kInterest) {
        way = {FrameKind::kDirect, static_cast<std::uint32_t>(argument >> 32), static_cast<std::uint32_t>(argument)};
      }
      std::string ended;  // it may not have been told of
      std::optional<Error> failed;
      {
        const MutexLock lock(state_mutex_);
        contacts_.insert(from);
        failed = collective_error_;
        std::vector<WorkerId> workers;
        for (const auto& [worker, how] : ended_) {
          if (layout_.local().contains(worker)) workers.push_back(worker);
        }
        ended = encode_ended(workers);
      }
      flow_.interest(from, way);
      if (failed) post_control(from, Control::kFailed, static_cast<std::uint64_t>(failed->code), failed->message);
      if (!ended.empty()) post_control(from, Control::kEnded, 0, std::move(ended));
      return;
    }
    case Control::kEnded: obey_ended(from, payload); return;
    case Control::kLeft:
      if (from == layout_.self() && argument < layout_.packs())
        pack_ended(PackId(static_cast<std::uint32_t>(argument)));
      return;
    case Control::kFailed: {
      {
        const MutexLock lock(state_mutex_);
        if (!collective_error_) {
          collective_error_ = Error{static_cast<ErrorCode>(argument),
                                    std::string(reinterpret_cast<const char*>(payload.data()), payload.size())};
        }
      }
      wake_all();
      return;
    }
  }
}

void Hub::obey_ended(PackId from, Piece payload) {
  {
    const MutexLock lock(state_mutex_);
    while (payload.size() >= sizeof(EndedEntry)) {
      EndedEntry entry;
      std::memcpy(&entry, payload.data(), sizeof entry);
      payload = payload.subspan(sizeof entry);
      if (entry.how_bytes > payload.size() || !layout_.range(from).contains(WorkerId(entry.worker))) break;
      EndedWorker ended{entry.collectives, std::string(reinterpret_cast<const char*>(payload.data()), entry.how_bytes)};
      payload = payload.subspan(entry.how_bytes);
      const auto [found, added] = ended_.try_emplace(WorkerId(entry.worker), std::move(ended));
      if (!added) continue;
      ++ended_of_pack_[from];
      if (!earliest_ended_ || entry.collectives < earliest_ended_->second.collectives) earliest_ended_ = *found;
    }
  }
  wake_all();
}

void Hub::peer_lost(PackId pack, const Error& cause) {
  const MutexLock lock(link_mutex_);
  if (!courier_) return;
  // The connection is the first to know and the last to know why: the cause comes by way of the controller.
  courier_->post_at(std::chrono::steady_clock::now() + options_.loss_grace, [this, pack, cause] {
    {
      const MutexLock state_lock(state_mutex_);
      const auto ended = ended_of_pack_.find(pack);
      if (ended != ended_of_pack_.end() && ended->second == layout_.range(pack).count) return;
      if (packs_ended_.contains(pack) || ended_of_pack_[layout_.self()] == layout_.local().count) return;
    }
    abort({ErrorCode::kUnavailable, layout_.name(pack) + " is lost: " + cause.message});
  });
}

}  // namespace gust::message
