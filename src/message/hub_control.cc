// What packs tell each other beside their messages: the other half of Hub.
#include <algorithm>
#include <cstring>
#include <utility>

#include "message/hub.h"

namespace gust::message {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// The ends of a pack's workers travel together when they come together.
constexpr auto kTellEndsAfter = 5ms;
// So long a word that has begun to be said may take; it is said again then.
constexpr auto kControlPatience = 1s;
constexpr auto kSayAgainAfter = 50ms;
// Of the error's text that others are shown.
constexpr std::size_t kMaxHow = 1000;

struct EndedEntry {
  std::uint64_t messages = 0;  // that it has sent to workers of the pack that is told
  std::uint32_t worker = 0;
  std::uint32_t collectives = 0;
  std::uint32_t how_bytes = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(EndedEntry) == 24);

// Somebody waits for a message.
struct InterestEntry {
  std::uint32_t from = 0;  // or kAny
  std::uint32_t to = 0;
};
static_assert(sizeof(InterestEntry) == 8);

}  // namespace

bool Hub::send_control(PackId pack, Control control, std::uint64_t argument, std::string payload) {
  Word word;
  word.to = pack;
  word.header.kind = FrameKind::kControl;
  word.header.from = layout_.self().value();
  word.header.to = pack.value();
  word.header.tag = static_cast<std::uint64_t>(control);
  word.header.argument = argument;
  word.header.message_bytes = payload.size();
  word.payload = std::move(payload);
  return send_word(std::move(word));
}

// On the courier's thread. True when it is sent, or will be.
bool Hub::send_word(Word word) {
  Transport* transport = ready_transport_.load(std::memory_order_acquire);
  if (transport == nullptr) return false;
  const SteadyTime now = Clock::now();
  const auto control = static_cast<Control>(word.header.tag);
  const bool is_left = word.header.kind == FrameKind::kControl && control == Control::kLeft;
  // A pack that has not got in touch yet has nothing to hear but ends; whoever waits for it asks again. All of them
  // together are waited for no longer than one.
  const bool is_end = is_left || control == Control::kEnded || control == Control::kFailed;
  auto sent = transport->connect(word.to, is_end ? now + patience_for_ends_ : now);
  if (is_end && !sent) patience_for_ends_ -= std::min<std::chrono::nanoseconds>(Clock::now() - now, patience_for_ends_);
  if (sent) {
    {
      const MutexLock lock(state_mutex_);
      contacts_.try_emplace(word.to);  // it sees that we go: it is to know why
    }
    if (!std::exchange(word.is_numbered, true)) number(word.header);
    const Piece piece = std::as_bytes(std::span(word.payload));
    sent = send_frames(*transport, word.to, word.header, {&piece, 1}, Clock::now() + kControlPatience);
  }
  if (sent) return true;
  // What has later numbers waits for it.
  if (sent.error().code == ErrorCode::kTimedOut && word.is_numbered) {
    return post_word(std::move(word), Clock::now() + kSayAgainAfter);
  }
  if (sent.error().code != ErrorCode::kUnavailable) return false;
  // It is gone. If it said more than has been read, or the cause is on its way, that comes first.
  const PackId gone = is_left ? PackId(static_cast<std::uint32_t>(word.header.argument)) : word.to;
  const MutexLock lock(link_mutex_);
  if (!courier_) return false;
  courier_->post_at(Clock::now() + options_.loss_grace, [this, gone] {
    if (!aborted()) pack_ended(gone);
  });
  return false;
}

bool Hub::post_word(Word word, SteadyTime at) {
  const MutexLock lock(link_mutex_);
  if (!courier_) return false;
  courier_->post_at(at, [this, word = std::move(word)] { send_word(word); });
  return true;
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
    ended_here_.push_back(self);
    tell = ready_transport_.load(std::memory_order_acquire) != nullptr && !std::exchange(telling_, true);
  }
  wake_all();
  if (!tell) return;
  const MutexLock lock(link_mutex_);
  if (courier_) courier_->post_at(std::chrono::steady_clock::now() + kTellEndsAfter, [this] { tell_ended(); });
}

std::string Hub::encode_ended(std::span<const WorkerId> workers, PackId to) {
  std::string payload;
  for (const WorkerId worker : workers) {
    const EndedWorker& ended = ended_.at(worker);
    const EndedEntry entry{.messages = sent_to_pack(worker, to),
                           .worker = worker.value(),
                           .collectives = ended.collectives,
                           .how_bytes = static_cast<std::uint32_t>(ended.how.size())};
    payload.append(reinterpret_cast<const char*>(&entry), sizeof entry);
    payload += ended.how;
  }
  return payload;
}

// Given up ones, too: they count when their place in the order is passed.
std::uint64_t Hub::sent_to_pack(WorkerId from, PackId to) {
  const WorkerRange range = layout_.range(to);
  std::uint64_t messages = 0;
  const MutexLock lock(sequence_mutex_);
  const Way first{FrameKind::kDirect, from.value(), range.first.value()};
  const Way end{FrameKind::kDirect, from.value(), range.end()};
  for (auto way = sequences_.lower_bound(first); way != sequences_.end() && way->first < end; ++way) {
    messages += way->second;
  }
  return messages;
}

void Hub::tell_ended() {
  std::vector<PackId> packs;
  {
    const MutexLock lock(state_mutex_);
    telling_ = false;
    for (const auto& [pack, told] : contacts_) packs.push_back(pack);
  }
  for (const PackId pack : packs) tell_ended_to(pack);
}

// On the courier's thread, as all who change what has been told.
void Hub::tell_ended_to(PackId pack) {
  std::string payload;
  std::size_t all = 0;
  {
    const MutexLock lock(state_mutex_);
    all = ended_here_.size();
    payload = encode_ended(std::span(ended_here_).subspan(contacts_[pack]), pack);
  }
  if (payload.empty() || !send_control(pack, Control::kEnded, 0, std::move(payload))) return;
  const MutexLock lock(state_mutex_);
  contacts_[pack] = all;
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
  FrameHeader message = header;
  bool plausible = true;
  if (header.kind == FrameKind::kGivenUp) {
    plausible = header.frame_bytes == 0 && header.from == from.value() && header.to == layout_.self().value();
    message.kind = static_cast<FrameKind>(header.tag);
    message.from = static_cast<std::uint32_t>(header.argument >> 32);
    message.to = static_cast<std::uint32_t>(header.argument);
  }
  const bool direct = message.kind == FrameKind::kDirect;
  const bool known = direct || message.kind == FrameKind::kCollective || header.kind == FrameKind::kControl;
  plausible = plausible && (direct ? layout_.range(from).contains(WorkerId(message.from)) &&
                                         layout_.local().contains(WorkerId(message.to))
                                   : message.from == from.value() && message.to == layout_.self().value());
  if (!known || !plausible) {
    return fail(ErrorCode::kInvalid, layout_.name(from) + " sent a frame that is not for this pack");
  }
  if (header.kind != FrameKind::kGivenUp) return reassembly_.begin(header);
  reassembly_.give_up(message);
  return nullptr;
}

Result<void> Hub::end_frame(PackId /*from*/, const FrameHeader& header) { return reassembly_.end(header); }

void Hub::deliver(const FrameHeader& first, Buffer data) {
  switch (first.kind) {
    case FrameKind::kDirect: {
      const WorkerId from(first.from);
      const std::size_t bytes = data.size();
      const bool taken = data && mailbox(WorkerId(first.to)).put(from, std::move(data));
      if (taken) took(layout_.pack_of(from), bytes + kMessageOverhead);
      count_arrived(from);
      return;
    }
    case FrameKind::kCollective: {
      if (!data) return;
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
    case FrameKind::kGivenUp: return;  // is no message
  }
}

void Hub::count_arrived(WorkerId from) {
  const std::uint64_t arrived = ++arrived_[from];
  if (unreceived_ends_.empty()) return;
  const auto end = unreceived_ends_.find(from);
  if (end == unreceived_ends_.end() || arrived < end->second.messages) return;
  note_ended(from, std::move(end->second.ended));
  unreceived_ends_.erase(end);
  wake_all();
}

void Hub::obey(PackId from, Control control, std::uint64_t argument, Piece payload) {
  switch (control) {
    case Control::kCredit: flow_.credit(from, argument); return;
    case Control::kInterest: obey_interest(from, payload); return;
    case Control::kInterestOfPack: {
      const Way way{FrameKind::kCollective, layout_.self().value(), from.value()};
      flow_.interest(from, {&way, 1});
      answer_interest(from);
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

void Hub::add_interest(Interests& interests, WorkerId self, std::optional<WorkerId> from) const {
  if (from) {
    const PackId pack = layout_.pack_of(*from);
    if (pack != layout_.self()) interests[pack].emplace(from->value(), self.value());
    return;
  }
  for (std::uint32_t p = 0; p < layout_.packs(); ++p) {
    if (PackId(p) != layout_.self()) interests[PackId(p)].emplace(kAny, self.value());
  }
}

std::string Hub::encode_interest(const Interests::mapped_type& ways) {
  std::string payload;
  for (const auto& [from, to] : ways) {
    const InterestEntry entry{.from = from, .to = to};
    payload.append(reinterpret_cast<const char*>(&entry), sizeof entry);
  }
  return payload;
}

void Hub::obey_interest(PackId from, Piece payload) {
  std::vector<Way> ways;
  for (; payload.size() >= sizeof(InterestEntry); payload = payload.subspan(sizeof(InterestEntry))) {
    InterestEntry entry;
    std::memcpy(&entry, payload.data(), sizeof entry);
    const bool is_ours = entry.from == kAny || layout_.local().contains(WorkerId(entry.from));
    if (!is_ours || !layout_.range(from).contains(WorkerId(entry.to))) break;
    ways.push_back({FrameKind::kDirect, entry.from, entry.to});
  }
  flow_.interest(from, ways);
  answer_interest(from);
}

// Whoever waits for something hears why it may not come.
void Hub::answer_interest(PackId pack) {
  bool tell = false;
  std::optional<Error> failed;
  {
    const MutexLock lock(state_mutex_);
    tell = contacts_[pack] < ended_here_.size();
    failed = collective_error_;
  }
  if (failed) post_control(pack, Control::kFailed, static_cast<std::uint64_t>(failed->code), failed->message);
  if (!tell) return;
  const MutexLock lock(link_mutex_);
  if (courier_) courier_->post([this, pack] { tell_ended_to(pack); });
}

// The word may overtake messages, for which somebody may wait.
void Hub::obey_ended(PackId from, Piece payload) {
  while (payload.size() >= sizeof(EndedEntry)) {
    EndedEntry entry;
    std::memcpy(&entry, payload.data(), sizeof entry);
    payload = payload.subspan(sizeof entry);
    const WorkerId worker(entry.worker);
    if (entry.how_bytes > payload.size() || !layout_.range(from).contains(worker)) break;
    EndedWorker ended{entry.collectives, std::string(reinterpret_cast<const char*>(payload.data()), entry.how_bytes)};
    payload = payload.subspan(entry.how_bytes);
    const auto arrived = arrived_.find(worker);
    if ((arrived == arrived_.end() ? 0 : arrived->second) >= entry.messages) {
      note_ended(worker, std::move(ended));
    } else {
      unreceived_ends_.insert_or_assign(worker, UnreceivedEnd{entry.messages, std::move(ended)});
    }
  }
  wake_all();
}

void Hub::note_ended(WorkerId worker, EndedWorker ended) {
  const MutexLock lock(state_mutex_);
  const auto [entry, added] = ended_.try_emplace(worker, std::move(ended));
  if (!added) return;
  ++ended_of_pack_[layout_.pack_of(worker)];
  if (!earliest_ended_ || entry->second.collectives < earliest_ended_->second.collectives) earliest_ended_ = *entry;
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
