// Puts frames together to messages, each once and in the order in which it was sent, whatever the transport did.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

#include "base/mutex.h"
#include "base/result.h"
#include "message/buffer.h"
#include "message/transport.h"

namespace gust::message {

/// Thread-safe, with one exception: frames of one sender come one at a time.
class Reassembly {
 public:
  using Deliver = std::function<void(const FrameHeader& first, Buffer data)>;

  /// `deliver` is called for each message in its lane's order (kind, from, to), with the header of the frame that
  /// arrived first; for one that was given up with no data and a header of which only the lane and the sequence are
  /// set. It must not call back.
  explicit Reassembly(Deliver deliver) : deliver_(std::move(deliver)) {}

  /// As FrameSink::begin_frame: where the payload goes, null for a duplicate.
  Result<std::byte*> begin(const FrameHeader& header);
  Result<void> end(const FrameHeader& header);
  /// This message will not come as a whole: those after it do not wait for it. Only the lane and the sequence of
  /// `message` are looked at. Nothing for one that has been delivered.
  void give_up(const FrameHeader& message);

 private:
  struct Partial {
    FrameHeader first;
    Buffer data;
    std::uint64_t bytes = 0;         // that have arrived
    std::uint64_t prefix = 0;        // that have arrived from the message's beginning on
    std::set<std::uint64_t> beyond;  // offsets of chunks that arrived out of order
    bool any = false;
    bool given_up = false;
    [[nodiscard]] bool has(std::uint64_t offset) const;
    [[nodiscard]] bool complete() const { return any && bytes == first.message_bytes; }
    [[nodiscard]] bool is_over() const { return given_up || complete(); }
  };
  struct Lane {
    std::uint64_t next = 0;
    std::map<std::uint64_t, Partial> partial;
  };
  using Key = std::tuple<FrameKind, std::uint32_t, std::uint32_t>;

  void deliver_next(Lane& lane) GUST_REQUIRES(mutex_);

  Deliver deliver_;
  Mutex mutex_;
  std::map<Key, Lane> lanes_ GUST_GUARDED_BY(mutex_);
};

}  // namespace gust::message
