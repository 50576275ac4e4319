#include "invoker/report_batch.h"

#include <algorithm>
#include <utility>

namespace gust::invoker {

namespace {

// A message is closed at this size; what one message of a pack adds comes on top.
constexpr std::size_t kLargeBatch = std::size_t{64} << 20;

// Packs that begin to communicate do so together.
constexpr std::chrono::milliseconds kHurry{3};

// A start of many packs that takes long is told in few messages; people who watch it see no difference.
constexpr int kLongestPatience = 4;

}  // namespace

ReportBatch::ReportBatch(boost::asio::io_context& io, std::chrono::milliseconds delay, Send send)
    : delay_(delay), send_(std::move(send)), timer_(io) {}

protocol::PackReport& ReportBatch::report(ReportSlot& slot, const std::string& flare_id, std::uint32_t pack_id) {
  if (slot.batch_ == batch_) return *slot.report_;
  if (!pending_) pending_ = std::make_unique<protocol::InvokerMessage>();
  slot.report_ = pending_->mutable_reports()->add_packs();
  slot.batch_ = batch_;
  slot.report_->set_flare_id(flare_id);
  slot.report_->set_pack_id(pack_id);
  if (!timer_armed_) arm(delay_ * patience_);
  return *slot.report_;
}

void ReportBatch::prewarmed(std::uint32_t ready) {
  if (!pending_) pending_ = std::make_unique<protocol::InvokerMessage>();
  pending_->mutable_reports()->set_prewarmed(ready);
  if (!timer_armed_) arm(delay_ * patience_);
}

void ReportBatch::arm(std::chrono::milliseconds delay) {
  timer_armed_ = true;
  timer_.expires_after(delay);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    timer_armed_ = false;
    patience_ = std::min(2 * patience_, kLongestPatience);
    close_pending();
    send_next();
  });
}

void ReportBatch::hurry() {
  if (!pending_ || hurried_) return;
  hurried_ = true;
  arm(std::min(delay_, kHurry));
}

void ReportBatch::grew(std::size_t bytes) {
  pending_bytes_ += bytes;
  if (pending_bytes_ >= kLargeBatch) flush();
}

void ReportBatch::flush() {
  patience_ = 1;
  close_pending();
  send_next();
}

void ReportBatch::sent() {
  sending_ = false;
  drop_sent();
  send_next();
}

void ReportBatch::begin_session(Keep keep) {
  in_session_ = true;
  keep_ = keep;
  next_ = 0;
  send_next();
}

void ReportBatch::end_session() {
  in_session_ = false;
  sending_ = false;
}

void ReportBatch::forget(const std::string& flare_id) {
  close_pending();
  for (Closed& closed : closed_) closed.flares.erase(flare_id);
  drop_sent();
  send_next();
}

void ReportBatch::clear() {
  close_pending();
  closed_.clear();
  next_ = 0;
  patience_ = 1;
  sending_ = false;
}

void ReportBatch::close_pending() {
  if (!pending_) return;
  timer_.cancel();
  timer_armed_ = false;
  hurried_ = false;
  Closed& closed = closed_.emplace_back();
  if (keep_ == Keep::kUntilForgotten) {
    for (const protocol::PackReport& report : pending_->reports().packs()) closed.flares.insert(report.flare_id());
  }
  closed.message = std::exchange(pending_, nullptr);
  pending_bytes_ = 0;
  ++batch_;
}

void ReportBatch::send_next() {
  if (sending_ || !in_session_ || next_ == closed_.size()) return;
  sending_ = true;
  send_(closed_[next_++].message);
}

void ReportBatch::drop_sent() {
  // The last one that was given to `send` may still be on its way: it is held by whoever sends it.
  for (; next_ > 0 && closed_.front().flares.empty(); --next_) closed_.pop_front();
}

}  // namespace gust::invoker
