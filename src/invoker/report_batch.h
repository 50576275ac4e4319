// Gathers the news of all packs into few messages: what the controller spends on a flare is one message from each
// invoker when its workers have started and one when they have ended, not one for each worker.
//
// Where flares outlive their controller, what was sent is kept until it is forgotten: the next controller is told all
// of it once more.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "protocol/control.pb.h"

namespace gust::invoker {

/// Where a pack's news stands in the batch that is being gathered.
class ReportSlot {
 private:
  friend class ReportBatch;
  std::uint64_t batch_ = 0;
  protocol::PackReport* report_ = nullptr;
};

/// Only on the invoker's thread.
class ReportBatch {
 public:
  using Send = std::function<void(std::shared_ptr<const protocol::InvokerMessage>)>;
  enum class Keep : std::uint8_t {
    kUntilSent,
    kUntilForgotten,
  };

  /// `send` is called with one message at a time: the next one only after sent(). `delay` is how long news may wait
  /// for more news; it doubles, up to four times as long, until the next flush().
  ReportBatch(boost::asio::io_context& io, std::chrono::milliseconds delay, Send send);

  /// The report of a pack in the batch being gathered. It is sent when the delay ends; valid until the next call of any
  /// other function of this class.
  protocol::PackReport& report(ReportSlot& slot, const std::string& flare_id, std::uint32_t pack_id);

  /// So many empty containers wait ready. It is sent with what else there is, when the delay ends at the latest.
  void prewarmed(std::uint32_t ready);

  /// So many bytes of results or log were added to a report: what grows large is closed and sent in its turn, so that
  /// no message exceeds what the controller accepts.
  void grew(std::size_t bytes);
  /// Workers wait for this news: it is sent within milliseconds, with what else comes by then.
  void hurry();
  /// Sends what there is at once, or as soon as the message on its way has been sent.
  void flush();
  /// The message given to `send` is on its way out.
  void sent();

  /// A session has begun: all that is kept is sent, in its order.
  void begin_session(Keep keep);
  /// It has ended; news gather for the next one.
  void end_session();
  /// The reports on this flare need not be kept any more.
  void forget(const std::string& flare_id);
  /// Nobody wants the news.
  void clear();

 private:
  struct Closed {
    std::shared_ptr<const protocol::InvokerMessage> message;
    std::set<std::string> flares;  // for which it is kept after it was sent
  };

  void arm(std::chrono::milliseconds delay);
  void close_pending();
  void send_next();
  void drop_sent();

  std::chrono::milliseconds delay_;
  Send send_;
  boost::asio::steady_timer timer_;
  std::deque<Closed> closed_;
  std::size_t next_ = 0;  // of closed_, to be sent
  std::unique_ptr<protocol::InvokerMessage> pending_;
  std::size_t pending_bytes_ = 0;
  std::uint64_t batch_ = 1;  // number of pending_; slots of earlier batches are stale
  int patience_ = 1;         // in delays
  bool timer_armed_ = false;
  bool hurried_ = false;
  bool sending_ = false;
  bool in_session_ = false;
  Keep keep_ = Keep::kUntilSent;
};

}  // namespace gust::invoker
