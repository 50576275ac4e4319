// The seam between messages and what carries them from pack to pack. src/transport has the implementations; all of them
// pass src/transport/conformance_test.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "message/buffer.h"

namespace gust::message {

enum class FrameKind : std::uint8_t {
  kDirect = 1,      ///< a chunk of a message from a worker to a worker
  kCollective = 2,  ///< a chunk of a message from a pack to a pack, a step of a collective
  kControl = 3,     ///< from a pack to a pack: flow control, ends of workers
  /// From a pack to a pack: what has come of a message is to be dropped, and the rest will not come. `tag` has the
  /// message's kind, `argument` its from (upper half) and to, `sequence` its number; there is no payload.
  kGivenUp = 4,
};

/// In front of every frame, written by the sending pack and read by the receiving one. As it lies in memory,
/// little-endian.
struct FrameHeader {
  FrameKind kind{};
  std::array<std::uint8_t, 3> reserved{};
  std::uint32_t from = 0;           ///< worker, or pack
  std::uint32_t to = 0;             ///< worker, or pack
  std::uint32_t frame_bytes = 0;    ///< of payload in this frame
  std::uint64_t sequence = 0;       ///< number of the message among those of (kind, from, to), from 0
  std::uint64_t offset = 0;         ///< of this chunk in its message
  std::uint64_t message_bytes = 0;  ///< all chunks together
  std::uint64_t tag = 0;            ///< what the message is; the kind's own
  std::uint64_t argument = 0;       ///< the kind's own
};
static_assert(sizeof(FrameHeader) == 56);

/// What arrives. Implemented by Hub; called by a transport on threads of its own, for one sending pack by one thread
/// at a time. Does not block.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  /// A frame's header has arrived: where its payload goes (frame_bytes of it), so that a chunk is received in its
  /// place. Null for a frame that is not wanted (it is a duplicate): its payload is to be dropped, and end_frame() not
  /// to be called. kInvalid for a header that no pack could have sent; the connection is to be closed.
  virtual Result<std::byte*> begin_frame(PackId from, const FrameHeader& header) = 0;
  /// The payload is in its place.
  virtual Result<void> end_frame(PackId from, const FrameHeader& header) = 0;
  /// Nothing more will come from, or can be sent to, this pack. On any thread.
  virtual void peer_lost(PackId pack, const Error& cause) = 0;
};

/// Carries frames between the packs of one flare. Frames may arrive more than once and in any order, but each whole,
/// unless its pack is reported as lost. A frame that a pack sends to itself, by way of a server, arrives after all that
/// the server had got for that pack before: it may say that another one sends nothing more. Thread-safe. The destructor
/// ends all threads: the sink is not called afterwards.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Returns when send() to this pack has a way to go. Errors as of send().
  virtual Result<void> connect(PackId to, SteadyTime deadline) = 0;
  /// Sends one frame; `pieces` are its payload, header.frame_bytes together. Returns when the memory is no longer
  /// needed. Blocks while the receiver or what is between is slow, until `deadline`: kTimedOut, naming the pack;
  /// whether the frame arrives is then not known. kUnavailable when the pack is gone or stop() was called.
  virtual Result<void> send(PackId to, const FrameHeader& header, std::span<const Piece> pieces,
                            SteadyTime deadline) = 0;
  /// Ends all blocked calls, and those to come. Does not block.
  virtual void stop() = 0;
};

/// Makes the transport when a pack first needs it.
using TransportFactory = std::function<Result<std::unique_ptr<Transport>>(FrameSink&)>;

}  // namespace gust::message
