#include "transport/s3/outbox.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "transport/s3/limits.h"
#include "transport/s3/objects.h"

namespace gust::transport::s3 {

using message::Buffer;
using message::FrameHeader;
using message::Piece;
using Clock = std::chrono::steady_clock;

Outbox::Outbox(objectstore::ObjectStore& store, const message::Layout& layout, std::string flare_id,
               std::size_t chunk_bytes, Lost lost)
    : store_(store),
      layout_(layout),
      flare_id_(std::move(flare_id)),
      object_bytes_(largest_object(chunk_bytes)),
      threads_limit_(threads_for(object_bytes_)),
      waiting_limit_(std::max(kMostBytes, 2 * object_bytes_)),
      lost_(std::move(lost)),
      peers_(layout.packs()) {}

Outbox::~Outbox() {
  std::vector<std::jthread> threads;
  {
    const MutexLock lock(mutex_);
    const SteadyTime deadline = Clock::now() + kEndPatience;
    while (waiting_bytes_ > 0 && !stop_.stop_requested()) {
      if (!changed_.wait_until(mutex_, deadline)) break;
    }
    ending_ = true;
    threads = std::move(threads_);
  }
  stop();
  threads.clear();
}

Result<void> Outbox::check(PackId to) {
  if (stop_.stop_requested()) return fail(ErrorCode::kUnavailable, "the transport was stopped");
  if (peers_[to.value()].broken) return std::unexpected(*peers_[to.value()].broken);
  return {};
}

Result<void> Outbox::connect(PackId to) {
  const MutexLock lock(mutex_);
  return check(to);
}

Result<void> Outbox::send(PackId to, const FrameHeader& header, std::span<const Piece> pieces, SteadyTime deadline) {
  const std::size_t bytes = sizeof header + header.frame_bytes;
  Buffer frame = Buffer::make(bytes);
  if (!frame)
    return fail(ErrorCode::kTooLarge, "there is no memory for a frame of " + std::to_string(bytes) + " bytes");
  std::memcpy(frame.writable(), &header, sizeof header);
  std::byte* place = frame.writable() + sizeof header;
  for (const Piece& piece : pieces) {
    if (!piece.empty()) std::memcpy(place, piece.data(), piece.size());
    place += piece.size();
  }

  const MutexLock lock(mutex_);
  while (true) {
    GUST_TRY_VOID(check(to));
    if (waiting_bytes_ == 0 || waiting_bytes_ + bytes <= waiting_limit_) break;
    if (deadline == SteadyTime::max()) {
      changed_.wait(mutex_);
    } else if (!changed_.wait_until(mutex_, deadline)) {
      return fail(ErrorCode::kTimedOut, "timed out: the object store has not taken what was sent to " +
                                            layout_.name(to) + " and other packs before");
    }
  }
  waiting_bytes_ += bytes;
  Peer& peer = peers_[to.value()];
  if (peer.frames.empty()) ready_.push_back(to);
  peer.frames.push_back(std::move(frame));
  if (idle_ < ready_.size() && threads_.size() < threads_limit_) {
    threads_.emplace_back([this] { put_objects(); });
  } else {
    work_.notify_one();
  }
  return {};
}

void Outbox::stop() {
  stop_.request_stop();
  const MutexLock lock(mutex_);
  work_.notify_all();
  changed_.notify_all();
}

std::vector<Buffer> Outbox::take(Peer& peer) {
  std::vector<Buffer> frames;
  std::size_t bytes = 0;
  while (!peer.frames.empty() && (frames.empty() || bytes + peer.frames.front().size() <= object_bytes_)) {
    bytes += peer.frames.front().size();
    frames.push_back(std::move(peer.frames.front()));
    peer.frames.pop_front();
  }
  return frames;
}

void Outbox::put_objects() {
  while (true) {
    PackId to;
    std::uint64_t number = 0;
    std::vector<Buffer> frames;
    {
      const MutexLock lock(mutex_);
      while (ready_.empty()) {
        if (ending_ || stop_.stop_requested()) return;
        ++idle_;
        work_.wait(mutex_);
        --idle_;
      }
      if (stop_.stop_requested()) return;
      to = ready_.front();
      ready_.pop_front();
      Peer& peer = peers_[to.value()];
      frames = take(peer);
      number = peer.next_number++;
      if (!peer.frames.empty()) ready_.push_back(to);
    }
    std::vector<Piece> pieces;
    std::size_t bytes = 0;
    for (const Buffer& frame : frames) {
      pieces.push_back(frame.bytes());
      bytes += frame.size();
    }
    const auto put = store_.put(key(to, number), pieces, {Clock::now() + kStorePatience, stop_.get_token()});
    {
      const MutexLock lock(mutex_);
      waiting_bytes_ -= bytes;
      changed_.notify_all();
    }
    if (!put && !stop_.stop_requested()) give_up(to, put.error());
  }
}

void Outbox::give_up(PackId pack, Error error) {
  error.code = ErrorCode::kUnavailable;
  {
    const MutexLock lock(mutex_);
    Peer& peer = peers_[pack.value()];
    if (peer.broken) return;
    peer.broken = error;
    for (const Buffer& frame : peer.frames) waiting_bytes_ -= frame.size();
    if (!peer.frames.empty()) std::erase(ready_, pack);
    peer.frames.clear();
    changed_.notify_all();
  }
  lost_(pack, error);
}

std::string Outbox::key(PackId to, std::uint64_t number) const {
  return inbox_prefix(flare_id_, to) + object_name(layout_.self(), number);
}

}  // namespace gust::transport::s3
