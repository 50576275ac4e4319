// The messages of one pack: between its workers by pointer, to and from other packs over a transport.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "message/counters.h"
#include "message/courier.h"
#include "message/flow.h"
#include "message/layout.h"
#include "message/mailbox.h"
#include "message/outbox.h"
#include "message/reassembly.h"
#include "message/transport.h"

namespace gust::message {

struct HubOptions {
  std::size_t chunk_bytes = std::size_t{1} << 20;      ///< payload of a frame, at most
  std::size_t local_limit = std::size_t{256} << 20;    ///< unreceived bytes of a worker before its senders wait
  std::size_t remote_budget = std::size_t{256} << 20;  ///< unreceived bytes of this pack in all others together
  std::chrono::milliseconds loss_grace{200};           ///< for the cause of a peer's loss to become known
};

/// A message between packs, a step of a collective.
struct PackMessage {
  Buffer data;
  std::uint64_t argument = 0;
};

/// A worker that will send nothing more.
struct EndedWorker {
  std::uint32_t collectives = 0;  ///< in which it has taken part
  std::string how;                ///< "returned", or "failed: no such file"
};

/// Thread-safe. Calls with a deadline block; they fail with kTimedOut, naming whom they waited for, with kUnavailable
/// when a worker concerned has ended, and with the cause given to abort().
class Hub final : private FrameSink {
 public:
  Hub(Layout layout, const HubOptions& options, TransportFactory factory);
  /// All workers of the pack have ended, and finish() or abort() was called.
  ~Hub() override;
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  [[nodiscard]] const Layout& layout() const { return layout_; }
  [[nodiscard]] const HubOptions& options() const { return options_; }

  /// `self` is a worker of this pack in all of these. Returns when the message is on its way; waits while the receiver
  /// has too much that it has not received.
  Result<void> send(WorkerId self, WorkerId to, Buffer data, SteadyTime deadline);
  /// From one sender in the order in which it sent; without `from` whatever arrived first.
  Result<Received> recv(WorkerId self, std::optional<WorkerId> from, SteadyTime deadline);

  // The same without waiting (hub_started.cc). What is started and never waited for goes on all the same.

  /// Over when the message is on its way. `deadline` is for the whole of it.
  Result<std::shared_ptr<StartedSend>> start_send(WorkerId self, WorkerId to, Buffer data, SteadyTime deadline);
  /// Takes its turn among receives now: whatever is received later gets later messages.
  Result<std::shared_ptr<StartedReceive>> start_recv(WorkerId self, std::optional<WorkerId> from);
  /// wait() would not block.
  bool is_over(const StartedSend& send);
  bool is_over(const StartedReceive& receive);
  /// kTimedOut leaves it as it is: it can be waited for again.
  Result<void> wait(const StartedSend& send, SteadyTime deadline);
  Result<Received> wait(StartedReceive& receive, SteadyTime deadline);
  /// Nobody will wait for it any more. A message that it has got is the next one to be received.
  void withdraw(StartedReceive& receive);
  /// Returns when all messages that the worker has started to send are on their way, or cannot be. Before
  /// worker_ended().
  void settle(WorkerId self);
  /// Those that are not on their way are not to be sent: the worker has failed.
  void withdraw_sends(WorkerId self) { outbox_.withdraw(self); }

  /// The worker's function has returned, or its thread has ended. Others are told that nothing more comes from it.
  void worker_ended(WorkerId self, std::uint32_t collectives, std::string how);
  /// Fails all blocked calls and all later ones with this error. The first one counts.
  void abort(Error error);
  /// The pack has ended in good order without having said so over the transport.
  void pack_ended(PackId pack);
  /// The same of a pack that sends by way of a server: what it has sent arrives first.
  void pack_left(PackId pack);
  /// Sends what is still to be sent. After the last worker_ended().
  void finish();

  [[nodiscard]] Traffic traffic() const { return counters_.read(); }

  // For collectives:

  Result<void> send_to_pack(PackId to, std::uint64_t tag, std::uint64_t argument, std::span<const Piece> pieces,
                            SteadyTime deadline);
  Result<PackMessage> take_from_pack(PackId from, std::uint64_t tag, SteadyTime deadline);
  /// Fails all collectives of the flare from now on, here and in the other packs.
  void fail_collectives(const Error& error);
  /// Why the collective with this number cannot succeed, if so.
  [[nodiscard]] std::optional<Error> collective_failure(std::uint32_t number);
  /// Called whenever collective_failure() may have changed.
  void on_collective_news(std::function<void()> call);

 private:
  enum class Control : std::uint8_t {
    kCredit = 1,
    kInterest = 2,
    kInterestOfPack = 3,
    kEnded = 4,
    kFailed = 5,
    kLeft = 6
  };

  // What the courier sends: a control frame, or the news that a message was given up.
  struct Word {
    PackId to;
    FrameHeader header;
    std::string payload;
    bool is_numbered = false;
  };
  struct UnreceivedEnd {
    std::uint64_t messages = 0;  // of the worker's to this pack, all together
    EndedWorker ended;
  };

  Mailbox& mailbox(WorkerId worker) { return mailboxes_[worker.value() - layout_.local().first.value()]; }
  Result<Transport*> transport();
  Result<void> send_remote(PackId pack, const FrameHeader& message, std::span<const Piece> pieces, SteadyTime deadline);
  Result<void> send_begun(Transport& transport, PackId pack, const FrameHeader& header, std::span<const Piece> pieces,
                          SteadyTime deadline);
  Result<void> wait_for_outbox(WorkerId self, WorkerId to, SteadyTime deadline);
  std::optional<Result<void>> try_send(const Outbox::Item& item);
  std::optional<Result<void>> outcome_of(const StartedSend& send);
  Result<void> send_frames(Transport& transport, PackId pack, FrameHeader header, std::span<const Piece> pieces,
                           SteadyTime deadline);
  void number(FrameHeader& header);
  void post_control(PackId pack, Control control, std::uint64_t argument, std::string payload);
  bool send_control(PackId pack, Control control, std::uint64_t argument, std::string payload);
  bool post_word(Word word, SteadyTime at);
  bool send_word(Word word);
  void give_up(PackId pack, const FrameHeader& message);
  void tell_ended();
  void tell_ended_to(PackId pack);
  std::string encode_ended(std::span<const WorkerId> workers, PackId to) GUST_REQUIRES(state_mutex_);
  std::uint64_t sent_to_pack(WorkerId from, PackId to);
  Result<void> connect(Transport& transport, PackId pack, const FrameHeader& message, SteadyTime deadline);
  Result<void> check_worker(WorkerId worker) const;
  Received finished(Received received);
  static Error receive_timed_out(WorkerId self, std::optional<WorkerId> from);
  std::optional<Error> aborted();
  bool has_ended(PackId pack);
  std::optional<Error> ended_error(WorkerId worker);
  std::optional<Error> receive_failure(WorkerId self, std::optional<WorkerId> from);
  // By pack: who is to send, or kAny, and to whom.
  using Interests = std::map<PackId, std::set<std::pair<std::uint32_t, std::uint32_t>>>;
  void add_interest(Interests& interests, WorkerId self, std::optional<WorkerId> from) const;
  static std::string encode_interest(const Interests::mapped_type& ways);
  void obey_interest(PackId from, Piece payload);
  void answer_interest(PackId pack);
  void express_interest(WorkerId self, std::optional<WorkerId> from);
  void express_interest_later(const std::shared_ptr<StartedReceive>& receive);
  void express_posted_interest();
  void took(PackId pack, std::size_t bytes);
  void wake_all();

  Result<std::byte*> begin_frame(PackId from, const FrameHeader& header) override;
  Result<void> end_frame(PackId from, const FrameHeader& header) override;
  void peer_lost(PackId pack, const Error& cause) override;
  void deliver(const FrameHeader& first, Buffer data);
  void obey(PackId from, Control control, std::uint64_t argument, Piece payload);
  void obey_ended(PackId from, Piece payload);
  void count_arrived(WorkerId from);
  void note_ended(WorkerId worker, EndedWorker ended);

  const Layout layout_;
  const HubOptions options_;
  const TransportFactory factory_;
  Counters counters_;
  std::deque<Mailbox> mailboxes_;
  Flow flow_;
  Reassembly reassembly_;

  // In deliver() only, which is called for one message at a time. A worker's end counts when all that it sent has come.
  std::unordered_map<WorkerId, std::uint64_t> arrived_;
  std::unordered_map<WorkerId, UnreceivedEnd> unreceived_ends_;

  Mutex inbox_mutex_;
  std::map<std::pair<PackId, std::uint64_t>, PackMessage> inbox_ GUST_GUARDED_BY(inbox_mutex_);
  Signal inbox_news_;

  Mutex state_mutex_;
  std::optional<Error> abort_ GUST_GUARDED_BY(state_mutex_);
  std::optional<Error> collective_error_ GUST_GUARDED_BY(state_mutex_);
  std::map<WorkerId, EndedWorker> ended_ GUST_GUARDED_BY(state_mutex_);
  std::optional<std::pair<WorkerId, EndedWorker>> earliest_ended_ GUST_GUARDED_BY(state_mutex_);
  std::map<PackId, std::uint32_t> ended_of_pack_ GUST_GUARDED_BY(state_mutex_);
  std::vector<WorkerId> ended_here_ GUST_GUARDED_BY(state_mutex_);
  bool telling_ GUST_GUARDED_BY(state_mutex_) = false;
  std::set<PackId> packs_ended_ GUST_GUARDED_BY(state_mutex_);
  // Packs that we have sent to, or that wait for us, and how many of ended_here_ they have been told of.
  std::map<PackId, std::size_t> contacts_ GUST_GUARDED_BY(state_mutex_);
  std::function<void()> collective_news_ GUST_GUARDED_BY(state_mutex_);

  // Started receives of messages from other packs, and when they are to be told of next.
  struct Posted {
    std::weak_ptr<StartedReceive> receive;
    SteadyTime next;
    std::chrono::milliseconds delay;
  };
  Mutex posted_mutex_;
  std::vector<Posted> posted_ GUST_GUARDED_BY(posted_mutex_);
  bool telling_of_posted_ GUST_GUARDED_BY(posted_mutex_) = false;

  Mutex sequence_mutex_;
  std::map<Way, std::uint64_t> sequences_ GUST_GUARDED_BY(sequence_mutex_);

  Mutex link_mutex_;
  std::atomic<Transport*> ready_transport_ = nullptr;
  std::chrono::nanoseconds patience_for_ends_;  // of the courier's thread
  std::unique_ptr<Courier> courier_ GUST_GUARDED_BY(link_mutex_);
  std::unique_ptr<Transport> transport_ GUST_GUARDED_BY(link_mutex_);
  std::vector<PackId> left_ GUST_GUARDED_BY(link_mutex_);  // before there was a transport
  bool closed_ GUST_GUARDED_BY(link_mutex_) = false;

  Outbox outbox_;  // last: its thread uses the rest
};

}  // namespace gust::message
