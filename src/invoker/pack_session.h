// One pack from its start to its end: its messages, its output, its container's exit.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "container/driver.h"
#include "invoker/message_writer.h"
#include "invoker/pack_channel.h"
#include "invoker/pack_ledger.h"
#include "invoker/pack_log.h"
#include "invoker/report_batch.h"

namespace gust::invoker {

class PackSession;

/// Who wants to know of a pack's end.
class PackObserver {
 public:
  virtual ~PackObserver() = default;
  /// The pack is over, and reported; may drop its reference.
  virtual void pack_ended(const PackSession& pack, protocol::PackCause cause) = 0;
};

struct PackParts {
  boost::asio::io_context& io;
  container::Driver& driver;
  ReportBatch& reports;
  PackObserver& observer;
};

struct PackIdentity {
  container::ContainerId container = 0;
  std::string flare_id;
  PackId pack;
  InvokerId invoker;
  WorkerRange workers;
  Bytes memory_limit;
  Bytes log_limit;
  WallTime received;  ///< when the order to start it was read
};

/// Only on the invoker's thread. Held by shared_ptr, because its pending reads hold it, too.
class PackSession : public std::enable_shared_from_this<PackSession> {
 public:
  /// `start` is what remains to be written of the pack's first message, if anything.
  PackSession(const PackParts& parts, PackIdentity identity, PackEnds ends, std::optional<MessageWriter> start);

  /// Begins to read; after the container was ordered.
  void begin();
  /// The container's events.
  void launched(const container::Launched& event);
  void exited(const container::Exited& event);
  /// Ends the pack because the controller wants it. Its end is reported. A pack that communicates is told why first, so
  /// that its workers' calls fail with the cause, and has a moment for it.
  void stop(std::string reason);
  /// News of other packs of its flare.
  void tell_peers(const protocol::PeersMessage& peers);
  /// Ends the pack because nobody wants its news any more. Nothing is reported.
  void abandon();

  [[nodiscard]] const PackIdentity& identity() const { return identity_; }
  [[nodiscard]] bool abandoned() const { return abandoned_; }

 private:
  using Descriptor = boost::asio::posix::stream_descriptor;

  void write(protocol::FrameType type, std::string payload);
  void write_outgoing();
  void wait_for_messages();
  void read_messages();
  void take(const protocol::Message& message);
  void close_socket();
  void wait_for_output(OutputStream stream);
  void read_output(OutputStream stream);
  void report_log_soon();
  Descriptor& output(OutputStream stream) { return stream == OutputStream::kStdout ? stdout_ : stderr_; }
  void kill(Verdict verdict);
  void expect_exit(std::string reason);
  void end_if_complete();
  void end();
  protocol::PackReport& report();

  PackParts parts_;
  PackIdentity identity_;
  PackLedger ledger_;
  PackLog log_;
  ReportSlot slot_;
  Descriptor socket_;  // each is closed once it has been read to its end
  Descriptor stdout_;
  Descriptor stderr_;
  protocol::MessageReader reader_;
  std::deque<MessageWriter> outgoing_;
  boost::asio::steady_timer timer_;        // for the exit before it, for the ends of the streams after it
  boost::asio::steady_timer last_moment_;  // before it is killed
  boost::asio::steady_timer log_timer_;
  bool log_awaited_ = false;  // log_timer_ runs
  bool expecting_exit_ = false;
  std::optional<Verdict> verdict_;
  std::optional<container::Exited> exited_;
  bool abandoned_ = false;
  bool over_ = false;
};

}  // namespace gust::invoker
