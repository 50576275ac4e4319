#include "invoker/pack_session.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace gust::invoker {

namespace {

using boost::system::error_code;

// How much is read of one stream before others have their turn.
constexpr int kMessagesATurn = 64;
constexpr int kReadsATurn = 16;
constexpr std::size_t kReadBytes = 64 << 10;  // the default capacity of a pipe
// A descendant of the pack may hold its streams open; what was written before the exit is read well within this.
constexpr std::chrono::milliseconds kDrainTime{100};
// For workers of a flare that has failed to learn why, and to end by themselves.
constexpr std::chrono::milliseconds kLastMoment{250};
// Output is reported so long after it was written, for those who follow it; that of a pack that ends before comes with
// its end, and costs no message more.
constexpr std::chrono::milliseconds kLogDelay{250};
// After its last word a pack has only to exit.
constexpr std::chrono::seconds kExitTime{2};

void close(boost::asio::posix::stream_descriptor& descriptor) {
  error_code ignored;  // nothing is lost: these were read from, or are given up
  if (descriptor.is_open()) descriptor.close(ignored);
}

}  // namespace

PackSession::PackSession(const PackParts& parts, PackIdentity identity, PackEnds ends,
                         std::optional<MessageWriter> start)
    : parts_(parts),
      identity_(std::move(identity)),
      ledger_(identity_.pack, identity_.invoker, identity_.workers, identity_.memory_limit),
      log_(identity_.log_limit),
      socket_(parts.io, ends.socket.release()),
      stdout_(parts.io, ends.standard_output.release()),
      stderr_(parts.io, ends.standard_error.release()),
      reader_(protocol::kMaxPackMessageBytes),
      timer_(parts.io),
      last_moment_(parts.io),
      log_timer_(parts.io) {
  if (start) outgoing_.push_back(std::move(*start));
}

void PackSession::begin() {
  if (!outgoing_.empty()) write_outgoing();
  wait_for_messages();
  wait_for_output(OutputStream::kStdout);
  wait_for_output(OutputStream::kStderr);
}

void PackSession::launched(const container::Launched& event) {
  if (abandoned_) return;
  protocol::PackLaunched& news = *report().mutable_launched();
  news.set_received_us(to_micros(identity_.received));
  news.set_launched_us(to_micros(event.at));
  news.set_pid(event.pid);
  news.set_prewarmed(event.prewarmed);
}

void PackSession::exited(const container::Exited& event) {
  if (exited_) return;
  exited_ = event;
  if (abandoned_) {
    over_ = true;
    parts_.observer.pack_ended(*this, protocol::PACK_CAUSE_STOPPED);
    return;
  }
  // What it wrote before it exited is there already: no need to go round the event loop for it.
  if (socket_.is_open()) read_messages();
  if (stdout_.is_open()) read_output(OutputStream::kStdout);
  if (stderr_.is_open()) read_output(OutputStream::kStderr);
  end_if_complete();
  if (over_) return;
  timer_.expires_after(kDrainTime);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (!error && !self->over_) self->end();
  });
}

void PackSession::stop(std::string reason) {
  if (!ledger_.announced() || exited_ || verdict_) return kill({Verdict::Kind::kStopped, std::move(reason)});
  verdict_ = Verdict{Verdict::Kind::kStopped, reason};
  write(protocol::FrameType::kStop, std::move(reason));
  last_moment_.expires_after(kLastMoment);
  last_moment_.async_wait([self = shared_from_this()](error_code error) {
    if (!error && !self->exited_) self->parts_.driver.kill(self->identity_.container);
  });
}

void PackSession::tell_peers(const protocol::PeersMessage& peers) { write(protocol::FrameType::kPeers, encode(peers)); }

void PackSession::write(protocol::FrameType type, std::string payload) {
  outgoing_.emplace_back(type, std::move(payload));
  if (outgoing_.size() == 1) write_outgoing();
}

void PackSession::abandon() {
  if (over_) return;
  abandoned_ = true;
  timer_.cancel();
  last_moment_.cancel();
  log_timer_.cancel();
  if (!exited_) parts_.driver.kill(identity_.container);  // also one that was in its last moment
  close(socket_);
  close(stdout_);
  close(stderr_);
  if (exited_) {
    over_ = true;
    parts_.observer.pack_ended(*this, protocol::PACK_CAUSE_STOPPED);
  }
}

void PackSession::write_outgoing() {
  while (socket_.is_open() && !outgoing_.empty()) {
    const auto progress = outgoing_.front().write_some(socket_.native_handle());
    if (progress && *progress == MessageWriter::Progress::kFull) break;
    outgoing_.pop_front();  // a pack that does not listen will exit, or be found out by what it sends
  }
  if (!socket_.is_open() || outgoing_.empty()) return;
  socket_.async_wait(Descriptor::wait_write, [self = shared_from_this()](error_code error) {
    if (!error) self->write_outgoing();
  });
}

void PackSession::wait_for_messages() {
  socket_.async_wait(Descriptor::wait_read, [self = shared_from_this()](error_code error) {
    if (error || !self->socket_.is_open()) return;
    self->read_messages();
    if (self->socket_.is_open()) self->wait_for_messages();
  });
}

void PackSession::read_messages() {
  for (int i = 0; i < kMessagesATurn && socket_.is_open(); ++i) {
    auto message = reader_.read(socket_.native_handle());
    if (!message) {
      if (message.error().code != ErrorCode::kUnavailable) {
        kill({Verdict::Kind::kFaulty, message.error().message});
      } else if (!ledger_.had_last_word()) {
        expect_exit("it closed its socket and did not exit");
      }
      close_socket();
      return;
    }
    if (*message) {
      take(**message);
    } else if (reader_.would_block()) {
      return;
    }
  }
}

void PackSession::take(const protocol::Message& message) {
  protocol::PackReport& news = report();
  if (const auto taken = ledger_.take(message.type, message.payload, news); !taken) {
    kill({Verdict::Kind::kFaulty, taken.error().message});
    close_socket();
    return;
  }
  parts_.reports.grew(message.payload.size());
  if (message.type == protocol::FrameType::kPeerAddress) parts_.reports.hurry();
  if (ledger_.had_last_word()) expect_exit("it had nothing more to do and did not exit");
}

void PackSession::close_socket() {
  close(socket_);
  end_if_complete();
}

void PackSession::wait_for_output(OutputStream stream) {
  output(stream).async_wait(Descriptor::wait_read, [self = shared_from_this(), stream](error_code error) {
    if (error || !self->output(stream).is_open()) return;
    self->read_output(stream);
    if (self->output(stream).is_open()) self->wait_for_output(stream);
  });
}

void PackSession::read_output(OutputStream stream) {
  std::array<char, kReadBytes> buffer;  // not initialised: it is large, and only what arrived is looked at
  for (int i = 0; i < kReadsATurn; ++i) {
    const ssize_t got = ::read(output(stream).native_handle(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      close(output(stream));
      end_if_complete();
      return;
    }
    log_.append(stream, {buffer.data(), static_cast<std::size_t>(got)}, wall_now());
    if (log_.has_piece()) {
      log_.take(*report().mutable_log());
      parts_.reports.grew(PackLog::kPieceBytes);
    }
    if (log_.has_lines()) report_log_soon();
  }
}

void PackSession::report_log_soon() {
  if (std::exchange(log_awaited_, true)) return;
  log_timer_.expires_after(kLogDelay);
  log_timer_.async_wait([self = shared_from_this()](error_code error) {
    self->log_awaited_ = false;
    if (!error && !self->over_ && self->log_.has_lines()) self->log_.take(*self->report().mutable_log());
  });
}

void PackSession::kill(Verdict verdict) {
  // Of a pack that is gone already only its own faults are told.
  if (verdict_ || (exited_ && verdict.kind != Verdict::Kind::kFaulty)) return;
  verdict_ = std::move(verdict);
  if (!exited_) parts_.driver.kill(identity_.container);
}

void PackSession::expect_exit(std::string reason) {
  if (exited_ || std::exchange(expecting_exit_, true)) return;
  timer_.expires_after(kExitTime);
  timer_.async_wait([self = shared_from_this(), reason = std::move(reason)](error_code error) {
    if (!error && !self->exited_) self->kill({Verdict::Kind::kLingered, reason});
  });
}

void PackSession::end_if_complete() {
  if (exited_ && !over_ && !socket_.is_open() && !stdout_.is_open() && !stderr_.is_open()) end();
}

void PackSession::end() {
  over_ = true;
  timer_.cancel();
  last_moment_.cancel();
  log_timer_.cancel();
  close(socket_);
  close(stdout_);
  close(stderr_);
  log_.close(exited_->at);
  protocol::PackReport& news = report();
  log_.take(*news.mutable_log());
  *news.mutable_ended() = ledger_.conclude(*exited_, verdict_);
  parts_.observer.pack_ended(*this, news.ended().cause());
}

protocol::PackReport& PackSession::report() {
  return parts_.reports.report(slot_, identity_.flare_id, identity_.pack.value());
}

}  // namespace gust::invoker
