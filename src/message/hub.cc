#include "message/hub.h"

#include <algorithm>
#include <utility>

namespace gust::message {

namespace {

using Clock = std::chrono::steady_clock;

// A message that has begun to travel is not given up half-way: what follows it could not be received. Its peer reads
// all the time, whatever its workers do, unless it is stopped or cut off.
constexpr std::chrono::seconds kFinishFrames{10};
// What packs that do not listen may together hold up the end of this one.
constexpr std::chrono::seconds kPatienceForEnds{1};

// A worker that waits for longer than this tells the sender's pack, and again each time that it has waited twice as
// long, up to a limit.
class InterestTimer {
 public:
  [[nodiscard]] SteadyTime next() const { return next_; }
  bool is_due(SteadyTime now) {
    if (now < next_) return false;
    delay_ = std::min<std::chrono::milliseconds>(2 * delay_, std::chrono::seconds(1));
    next_ = now + delay_;
    return true;
  }

 private:
  std::chrono::milliseconds delay_{2};
  SteadyTime next_ = Clock::now() + delay_;
};

std::string name(WorkerId worker) { return "worker " + std::to_string(worker.value()); }

std::unexpected<Error> refuse(Error error) { return std::unexpected(std::move(error)); }

std::size_t total(std::span<const Piece> pieces) {
  std::size_t bytes = 0;
  for (const Piece& piece : pieces) bytes += piece.size();
  return bytes;
}

}  // namespace

Hub::Hub(Layout layout, const HubOptions& options, TransportFactory factory)
    : layout_(std::move(layout)),
      options_(options),
      factory_(std::move(factory)),
      mailboxes_(layout_.local().count),
      flow_(std::max(options.chunk_bytes, options.remote_budget / layout_.packs())),
      reassembly_([this](const FrameHeader& first, Buffer data) { deliver(first, std::move(data)); }),
      patience_for_ends_(kPatienceForEnds),
      outbox_(flow_.changed, [this](const Outbox::Item& item) { return try_send(item); }) {}

Hub::~Hub() { finish(); }

Result<Transport*> Hub::transport() {
  if (Transport* ready = ready_transport_.load(std::memory_order_acquire)) return ready;
  const MutexLock lock(link_mutex_);
  if (closed_) return fail(ErrorCode::kUnavailable, "the pack has ended");
  if (!transport_) {
    if (!factory_) return fail(ErrorCode::kUnavailable, "this pack has no way to other packs");
    courier_ = std::make_unique<Courier>();
    transport_ = GUST_TRY(factory_(*this));
    ready_transport_.store(transport_.get(), std::memory_order_release);
    for (const PackId pack : std::exchange(left_, {})) {
      courier_->post([this, pack] { send_control(layout_.self(), Control::kLeft, pack.value(), {}); });
    }
  }
  return transport_.get();
}

Result<void> Hub::check_worker(WorkerId worker) const {
  if (worker.value() < layout_.burst_size()) return {};
  return fail(ErrorCode::kInvalid, "there is no " + name(worker) + ": this burst has the workers 0 to " +
                                       std::to_string(layout_.burst_size() - 1));
}

// Messages that were started to be sent this way go first.
Result<void> Hub::wait_for_outbox(WorkerId self, WorkerId to, SteadyTime deadline) {
  while (true) {
    const std::uint32_t seen = outbox_.left.epoch();
    if (!outbox_.holds(self, to)) return {};
    if (const auto error = aborted()) return refuse(*error);
    if (Clock::now() >= deadline) {
      return fail(ErrorCode::kTimedOut,
                  "timed out: " + name(to) + " has not received what " + name(self) + " sent to it before");
    }
    outbox_.left.wait(seen, deadline);
  }
}

Result<void> Hub::send(WorkerId self, WorkerId to, Buffer data, SteadyTime deadline) {
  GUST_TRY_VOID(check_worker(to));
  if (const auto error = aborted()) return refuse(*error);
  if (!layout_.local().contains(to)) {
    GUST_TRY_VOID(wait_for_outbox(self, to, deadline));
    const Piece piece = data.bytes();
    FrameHeader header;
    header.kind = FrameKind::kDirect;
    header.from = self.value();
    header.to = to.value();
    if (const auto error = ended_error(to)) return refuse(*error);
    return send_remote(layout_.pack_of(to), header, {&piece, 1}, deadline);
  }
  const std::size_t bytes = data.size();
  Mailbox& box = mailbox(to);
  while (true) {
    const std::uint32_t seen = box.taken.epoch();
    if (const auto error = aborted()) return refuse(*error);
    if (const auto error = ended_error(to)) return refuse(*error);
    if (box.offer(self, data, options_.local_limit)) break;
    if (Clock::now() >= deadline) {
      return fail(ErrorCode::kTimedOut, "timed out: " + name(to) + " has not received what " + name(self) +
                                            " sent to it before, and may not have more than " +
                                            std::to_string(options_.local_limit >> 20) + " MB unreceived");
    }
    box.taken.wait(seen, deadline);
  }
  counters_.local(bytes);
  return {};
}

Result<Received> Hub::recv(WorkerId self, std::optional<WorkerId> from, SteadyTime deadline) {
  if (from) GUST_TRY_VOID(check_worker(*from));
  Mailbox& box = mailbox(self);
  if (auto received = box.take(from)) return finished(std::move(*received));
  // To hear of others, and for them to reach us.
  const bool concerns_others = layout_.packs() > 1 && !(from && layout_.local().contains(*from));
  if (concerns_others) GUST_TRY(transport());

  struct Waiting {
    Mailbox& box;
    std::optional<WorkerId> from;
    ~Waiting() { box.end_wait(from); }
  };
  box.begin_wait(from);
  const Waiting waiting{box, from};
  InterestTimer interest;
  while (true) {
    const std::uint32_t seen = box.arrived.epoch();
    const auto failure = receive_failure(self, from);  // before the look: what was sent before an end counts
    if (auto received = box.take(from)) return finished(std::move(*received));
    if (failure) return refuse(*failure);
    const SteadyTime now = Clock::now();
    if (now >= deadline) return refuse(receive_timed_out(self, from));
    if (concerns_others && interest.is_due(now)) express_interest(self, from);
    box.arrived.wait(seen, concerns_others ? std::min(deadline, interest.next()) : deadline);
  }
}

// What came from another pack frees room for more of it.
Received Hub::finished(Received received) {
  if (!received.counted && !layout_.local().contains(received.from)) {
    took(layout_.pack_of(received.from), received.data.size() + kMessageOverhead);
  }
  return received;
}

Error Hub::receive_timed_out(WorkerId self, std::optional<WorkerId> from) {
  return {ErrorCode::kTimedOut,
          "timed out: " + name(self) + " waited for a message from " + (from ? name(*from) : "any worker")};
}

bool Hub::has_ended(PackId pack) {
  const MutexLock lock(state_mutex_);
  return packs_ended_.contains(pack);
}

std::optional<Error> Hub::aborted() {
  const MutexLock lock(state_mutex_);
  return abort_;
}

std::optional<Error> Hub::ended_error(WorkerId worker) {
  const MutexLock lock(state_mutex_);
  const auto found = ended_.find(worker);
  if (found != ended_.end()) return Error{ErrorCode::kUnavailable, name(worker) + " has ended: " + found->second.how};
  if (packs_ended_.contains(layout_.pack_of(worker))) {
    return Error{ErrorCode::kUnavailable, name(worker) + " has ended, and its pack with it"};
  }
  return std::nullopt;
}

std::optional<Error> Hub::receive_failure(WorkerId self, std::optional<WorkerId> from) {
  if (auto error = aborted()) return error;
  if (from) {
    auto error = *from == self ? std::nullopt : ended_error(*from);
    if (error) error->message += "; " + name(self) + " waited for a message from it";
    return error;
  }
  const MutexLock lock(state_mutex_);
  std::uint32_t gone = static_cast<std::uint32_t>(ended_.size());
  for (const PackId pack : packs_ended_) {
    const auto told = ended_of_pack_.find(pack);
    gone += layout_.range(pack).count - (told == ended_of_pack_.end() ? 0 : told->second);
  }
  if (gone + 1 < layout_.burst_size() || layout_.burst_size() == 1) return std::nullopt;
  return Error{ErrorCode::kUnavailable,
               "all other workers have ended; " + name(self) + " waited for a message from any"};
}

void Hub::express_interest(WorkerId self, std::optional<WorkerId> from) {
  Interests interests;
  add_interest(interests, self, from);
  for (const auto& [pack, ways] : interests) post_control(pack, Control::kInterest, 0, encode_interest(ways));
}

void Hub::took(PackId pack, std::size_t bytes) {
  if (const std::size_t credit = flow_.taken(pack, bytes)) post_control(pack, Control::kCredit, credit, {});
}

// A pack that has not begun to communicate may have ended, which is news for this hub and none for the transport: so it
// waits for a short time, again and again.
Result<void> Hub::connect(Transport& transport, PackId pack, const FrameHeader& message, SteadyTime deadline) {
  constexpr std::chrono::milliseconds kWaitFor{20};
  while (true) {
    auto connected = transport.connect(pack, std::min(deadline, Clock::now() + kWaitFor));
    if (connected) return connected;
    const bool is_direct = message.kind == FrameKind::kDirect;
    const auto failure = is_direct ? aborted() : collective_failure(static_cast<std::uint32_t>(message.tag >> 32));
    if (failure) return refuse(*failure);  // it names the cause
    if (is_direct) {
      if (const auto error = ended_error(WorkerId(message.to))) return refuse(*error);
    } else if (has_ended(pack)) {
      return fail(ErrorCode::kUnavailable, layout_.name(pack) + " has ended without taking part in a collective");
    }
    if (connected.error().code != ErrorCode::kTimedOut || Clock::now() >= deadline) return connected;
  }
}

Result<void> Hub::send_remote(PackId pack, const FrameHeader& message, std::span<const Piece> pieces,
                              SteadyTime deadline) {
  Transport* transport = GUST_TRY(this->transport());
  GUST_TRY_VOID(connect(*transport, pack, message, deadline));
  {
    const MutexLock lock(state_mutex_);
    contacts_.try_emplace(pack);
  }
  FrameHeader header = message;
  header.message_bytes = total(pieces);
  const Way way{header.kind, header.from, header.to};
  while (true) {
    const std::uint32_t seen = flow_.changed.epoch();
    if (const auto error = aborted()) return refuse(*error);
    if (header.kind == FrameKind::kDirect) {
      if (const auto error = ended_error(WorkerId(header.to))) return refuse(*error);
    }
    if (flow_.try_begin(pack, way, header.message_bytes + kMessageOverhead)) break;
    if (Clock::now() >= deadline) {
      return fail(ErrorCode::kTimedOut, "timed out: " + layout_.name(pack) + " has not received what was sent to it");
    }
    flow_.changed.wait(seen, deadline);
  }
  return send_begun(*transport, pack, header, pieces, deadline);
}

// After flow control has let it pass.
Result<void> Hub::send_begun(Transport& transport, PackId pack, const FrameHeader& header,
                             std::span<const Piece> pieces, SteadyTime deadline) {
  counters_.remote(header.message_bytes);
  FrameHeader numbered = header;
  number(numbered);
  const auto sent =
      send_frames(transport, pack, numbered, pieces, std::max<SteadyTime>(deadline, Clock::now() + kFinishFrames));
  if (!sent) {
    if (const auto error = aborted()) return refuse(*error);
    if (sent.error().code != ErrorCode::kUnavailable) give_up(pack, numbered);
  }
  return sent;
}

void Hub::number(FrameHeader& header) {
  const MutexLock lock(sequence_mutex_);
  header.sequence = sequences_[{header.kind, header.from, header.to}]++;
}

// What follows it can be received then.
void Hub::give_up(PackId pack, const FrameHeader& message) {
  flow_.credit(pack, message.message_bytes + kMessageOverhead);  // nobody will take it
  Word word;
  word.to = pack;
  word.header.kind = FrameKind::kGivenUp;
  word.header.from = layout_.self().value();
  word.header.to = pack.value();
  word.header.tag = static_cast<std::uint64_t>(message.kind);
  word.header.argument = std::uint64_t{message.from} << 32 | message.to;
  word.header.sequence = message.sequence;
  word.is_numbered = true;
  post_word(std::move(word), Clock::now());
}

Result<void> Hub::send_frames(Transport& transport, PackId pack, FrameHeader header, std::span<const Piece> pieces,
                              SteadyTime deadline) {
  std::vector<Piece> chunk;
  auto piece = pieces.begin();
  std::size_t at = 0;  // in the piece
  do {
    chunk.clear();
    std::size_t bytes = 0;
    while (piece != pieces.end() && bytes < options_.chunk_bytes) {
      const std::size_t size = std::min(piece->size() - at, options_.chunk_bytes - bytes);
      if (size > 0) chunk.push_back(piece->subspan(at, size));
      bytes += size;
      at += size;
      if (at == piece->size()) {
        ++piece;
        at = 0;
      }
    }
    header.frame_bytes = static_cast<std::uint32_t>(bytes);
    GUST_TRY_VOID(transport.send(pack, header, chunk, deadline));
    header.offset += bytes;
  } while (header.offset < header.message_bytes);
  return {};
}

Result<void> Hub::send_to_pack(PackId to, std::uint64_t tag, std::uint64_t argument, std::span<const Piece> pieces,
                               SteadyTime deadline) {
  FrameHeader header;
  header.kind = FrameKind::kCollective;
  header.from = layout_.self().value();
  header.to = to.value();
  header.tag = tag;
  header.argument = argument;
  return send_remote(to, header, pieces, deadline);
}

Result<PackMessage> Hub::take_from_pack(PackId from, std::uint64_t tag, SteadyTime deadline) {
  GUST_TRY(transport());
  InterestTimer interest;
  const auto number = static_cast<std::uint32_t>(tag >> 32);
  while (true) {
    const std::uint32_t seen = inbox_news_.epoch();
    auto failure = collective_failure(number);
    if (!failure && has_ended(from)) {
      failure = Error{ErrorCode::kUnavailable, layout_.name(from) + " has ended without taking part in a collective"};
    }
    {
      const MutexLock lock(inbox_mutex_);
      if (auto found = inbox_.extract({from, tag})) {
        took(from, found.mapped().data.size() + kMessageOverhead);
        return std::move(found.mapped());
      }
    }
    if (failure) return refuse(*failure);
    const SteadyTime now = Clock::now();
    if (now >= deadline) return fail(ErrorCode::kTimedOut, "timed out: a collective waited for " + layout_.name(from));
    if (interest.is_due(now)) post_control(from, Control::kInterestOfPack, 0, {});
    inbox_news_.wait(seen, std::min(deadline, interest.next()));
  }
}

void Hub::abort(Error error) {
  {
    const MutexLock lock(state_mutex_);
    if (abort_) return;
    abort_ = std::move(error);
  }
  if (Transport* transport = ready_transport_.load(std::memory_order_acquire)) transport->stop();
  wake_all();
}

void Hub::wake_all() {
  for (Mailbox& box : mailboxes_) {
    box.arrived.notify();
    box.taken.notify();
  }
  flow_.changed.notify();
  outbox_.left.notify();
  inbox_news_.notify();
  std::function<void()> news;
  {
    const MutexLock lock(state_mutex_);
    news = collective_news_;
  }
  if (news) news();
}

void Hub::finish() {
  outbox_.finish();
  std::unique_ptr<Courier> courier;
  std::unique_ptr<Transport> transport;
  {
    const MutexLock lock(link_mutex_);
    closed_ = true;
    courier = std::move(courier_);
    transport = std::move(transport_);
  }
  if (courier) courier->post([this] { tell_ended(); });
  courier.reset();  // when it has run all tasks
  ready_transport_.store(nullptr, std::memory_order_release);
  transport.reset();
}

}  // namespace gust::message
