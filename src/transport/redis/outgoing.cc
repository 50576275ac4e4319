#include "transport/redis/outgoing.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gust::transport::redis {

using message::FrameHeader;
using message::FrameKind;
using message::Piece;

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Frames up to this size are copied: that costs less than to wait for their answers one by one.
constexpr std::size_t kCopyBytes = 64 << 10;
// Of copies, before senders wait for answers.
constexpr std::size_t kKeepBytes = std::size_t{4} << 20;
// What may lie in a queue of a pack that does not read, before its senders wait.
constexpr std::size_t kQueueBytes = std::size_t{128} << 20;
constexpr std::size_t kQueueFrames = 32;
// How often a queue that exists again after it was empty is given an end of its lifetime.
constexpr auto kKeepEvery = 1s;
// A server that reads nothing for so long has failed.
constexpr auto kWritePatience = 10s;

}  // namespace

Outgoing::Outgoing(Session& session, std::unique_ptr<Link> link)
    : session_(session),
      most_frames_(static_cast<std::int64_t>(
          std::max(kQueueFrames, kQueueBytes / std::max<std::size_t>(1, session.chunk_bytes())))),
      link_(std::move(link)),
      lengths_(session.layout().packs()) {}

Outgoing::~Outgoing() {
  current()->shut();
  if (thread_.joinable()) thread_.join();
}

void Outgoing::start() {
  thread_ = std::thread([this] { run(); });
}

std::shared_ptr<Link> Outgoing::current() {
  const MutexLock lock(link_mutex_);
  return link_;
}

void Outgoing::stop() {
  stopped_ = true;
  current()->shut();  // whoever writes lets go of the lock
  const MutexLock lock(mutex_);
  news_.notify_all();
  room_.notify_all();
}

void Outgoing::fail_all(const Error& why) {
  current()->shut();
  const MutexLock lock(mutex_);
  if (!failure_) failure_ = why;
  news_.notify_all();
  room_.notify_all();
}

std::optional<Error> Outgoing::failure() const {
  if (stopped_) return Error{ErrorCode::kUnavailable, "communication between packs has ended"};
  return failure_;
}

std::unexpected<Error> Outgoing::timed_out(PackId to) const {
  return fail(ErrorCode::kTimedOut,
              "timed out: a message to " + session_.layout().name(to) + " could not be handed to the Redis server");
}

Result<void> Outgoing::connect(PackId to, SteadyTime deadline) {
  const MutexLock lock(mutex_);
  return wait_connected(to, deadline);
}

Result<void> Outgoing::wait_connected(PackId to, SteadyTime deadline) {
  while (true) {
    if (auto error = failure()) return std::unexpected(std::move(*error));
    if (connected_) return {};
    if (Clock::now() >= deadline) {
      return fail(ErrorCode::kTimedOut,
                  "timed out: the Redis server cannot be reached, so nothing is sent to " + session_.layout().name(to));
    }
    news_.wait_until(mutex_, deadline);
  }
}

Result<void> Outgoing::send(PackId to, const FrameHeader& header, std::span<const Piece> pieces, SteadyTime deadline) {
  Append append = session_.queue().append(session_.key(to), header);
  auto entry = std::make_shared<Entry>();
  entry->to = to;
  entry->before = std::move(append.before);
  entry->after = std::move(append.after);
  entry->replies = append.replies;
  const bool copied = header.frame_bytes <= kCopyBytes;
  if (copied) {
    for (const Piece& piece : pieces) {
      entry->before.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    }
  } else {
    entry->pieces = pieces;
    entry->waited = true;
  }
  const MutexLock lock(mutex_);
  // What packs tell each other beside messages is small, and may be what makes room.
  if (header.kind != FrameKind::kControl) GUST_TRY_VOID(wait_room(to, most_frames_ * append.elements, deadline));
  GUST_TRY_VOID(post(entry, deadline));
  lasting_.insert(to);
  return copied ? Result<void>() : wait_answer(entry, deadline);
}

// A pack that does not read, because it has not begun to communicate, is not to fill the server's memory.
Result<void> Outgoing::wait_room(PackId to, std::int64_t most, SteadyTime deadline) {
  std::chrono::milliseconds delay = 1ms;
  while (lengths_[to.value()] > most) {
    auto question = std::make_shared<Entry>();
    question->to = to;
    question->before = session_.queue().length(session_.key(to));
    question->waited = true;
    GUST_TRY_VOID(post(question, deadline));
    GUST_TRY_VOID(wait_answer(question, deadline));
    if (lengths_[to.value()] <= most) return {};
    const SteadyTime again = std::min(deadline, Clock::now() + delay);
    delay = std::min<std::chrono::milliseconds>(2 * delay, 50ms);
    while (Clock::now() < again && !failure()) news_.wait_until(mutex_, again);
    if (Clock::now() >= deadline) {
      return fail(ErrorCode::kTimedOut,
                  "timed out: " + session_.layout().name(to) + " has not received what was sent to it");
    }
  }
  return {};
}

Result<void> Outgoing::post(const EntryPtr& entry, SteadyTime deadline) {
  while (true) {
    GUST_TRY_VOID(wait_connected(entry->to, deadline));
    if (kept_bytes_ < kKeepBytes) break;
    if (Clock::now() >= deadline) return timed_out(entry->to);
    room_.wait_until(mutex_, deadline);
  }
  unanswered_.push_back(entry);
  kept_bytes_ += entry->kept_bytes();
  const auto written = write(*entry, deadline);
  if (written) return {};
  // Half a frame may have been written: the next one needs another connection.
  connected_ = false;
  current()->shut();
  if (written.error().code != ErrorCode::kTimedOut) return {};  // it will be written again
  unanswered_.pop_back();
  kept_bytes_ -= entry->kept_bytes();
  room_.notify_all();
  return timed_out(entry->to);
}

Result<void> Outgoing::write(Entry& entry, SteadyTime deadline) {
  entry.replies_left = entry.replies;
  if (entry.pieces.empty() && entry.after.empty()) return current()->write(entry.before, deadline);
  std::vector<Piece> all;
  all.reserve(entry.pieces.size() + 2);
  all.push_back(std::as_bytes(std::span(entry.before)));
  all.insert(all.end(), entry.pieces.begin(), entry.pieces.end());
  all.push_back(std::as_bytes(std::span(entry.after)));
  return current()->write(all, deadline);
}

Result<void> Outgoing::wait_answer(const EntryPtr& entry, SteadyTime deadline) {
  while (!entry->done) {
    auto error = failure();
    if (error || Clock::now() >= deadline) {
      entry->abandoned = true;
      entry->pieces = {};
      if (error) return std::unexpected(std::move(*error));
      return timed_out(entry->to);
    }
    news_.wait_until(mutex_, deadline);
  }
  return {};
}

void Outgoing::flush(SteadyTime deadline) {
  const MutexLock lock(mutex_);
  keep_at_ = {};
  keep_from_lasting();
  while (!unanswered_.empty() && !failure() && Clock::now() < deadline) news_.wait_until(mutex_, deadline);
}

// A list that was empty and is there again has lost its end of lifetime with its emptiness.
void Outgoing::keep_from_lasting() {
  const SteadyTime now = Clock::now();
  if (lasting_.empty() || !connected_ || failure() || now < keep_at_) return;
  keep_at_ = now + kKeepEvery;
  for (const PackId pack : std::exchange(lasting_, {})) {
    auto entry = std::make_shared<Entry>();
    entry->to = pack;
    entry->tells_length = false;
    append_command(entry->before,
                   std::array<std::string_view, 3>{"EXPIRE", session_.key(pack), std::to_string(kKeyLifetime.count())});
    unanswered_.push_back(entry);
    kept_bytes_ += entry->kept_bytes();
    if (write(*entry, now + kWritePatience)) continue;
    connected_ = false;
    current()->shut();
    return;
  }
}

void Outgoing::run() {
  while (true) {
    const Error why = read_answers(*current());
    {
      const MutexLock lock(mutex_);
      connected_ = false;
    }
    while (true) {
      if (stopped_) return;
      std::unique_ptr<Link> link = session_.reopen(why);
      if (!link) return;
      const bool resumed = resume(std::move(link));
      if (session_.ending()) return;  // the destructor may have shut the link before
      if (resumed) break;
    }
  }
}

// Writes again, on a new connection, what has had no answer.
bool Outgoing::resume(std::unique_ptr<Link> link) {
  const MutexLock lock(mutex_);
  {
    const MutexLock link_lock(link_mutex_);
    link_ = std::move(link);
  }
  if (stopped_) return true;  // it shut the link before
  std::erase_if(unanswered_, [](const EntryPtr& entry) { return entry->abandoned; });
  kept_bytes_ = 0;
  for (const EntryPtr& entry : unanswered_) kept_bytes_ += entry->kept_bytes();
  for (const EntryPtr& entry : unanswered_) {
    if (!write(*entry, Clock::now() + kWritePatience)) return false;
  }
  connected_ = true;
  news_.notify_all();
  room_.notify_all();
  return true;
}

Error Outgoing::read_answers(Link& link) {
  while (true) {
    auto token = link.replies().next();
    if (token && token->type == Token::Type::kBulk && token->number >= 0) {
      if (auto skipped = link.replies().skip_bulk(static_cast<std::size_t>(token->number)); !skipped) {
        return skipped.error();
      }
    }
    if (token && token->type == Token::Type::kError) {
      Error refused = refusal(token->text);
      if (refused.code != ErrorCode::kUnavailable) session_.lose(refused);
      return refused;
    }
    if (token && !take_answer(*token)) return {ErrorCode::kInvalid, "the server answers what was not asked"};
    if (token) continue;
    if (token.error().code != ErrorCode::kTimedOut) return token.error();
    const MutexLock lock(mutex_);
    if (!unanswered_.empty()) return token.error();
  }
}

bool Outgoing::take_answer(const Token& token) {
  const MutexLock lock(mutex_);
  if (unanswered_.empty()) return false;
  const EntryPtr entry = unanswered_.front();
  if (--entry->replies_left > 0) return true;
  unanswered_.pop_front();
  const bool was_full = kept_bytes_ > kKeepBytes / 2;
  kept_bytes_ -= entry->kept_bytes();
  entry->done = true;
  if (entry->tells_length) {
    lengths_[entry->to.value()] = token.number;
    keep_from_lasting();
  }
  if (entry->waited || unanswered_.empty()) news_.notify_all();
  if (was_full && kept_bytes_ <= kKeepBytes / 2) room_.notify_all();
  return true;
}

}  // namespace gust::transport::redis
