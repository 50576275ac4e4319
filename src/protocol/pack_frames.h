// The messages between an invoker and one of its packs, over the pack's file descriptor 3: a Unix socket of type
// SOCK_SEQPACKET, so that a packet arrives whole or not at all, and a signal handler can write one without disturbing a
// message that another thread is writing.
//
// A message is one or more packets of the same type: each but the last has kMore set, and their payloads follow one
// another. kCrashed and kExited always fit one packet and may come between the packets of another message.
// Integers are little-endian. The invoker takes nothing that a pack sends on trust: decode() checks every length.
// docs/protocol.md has a worked example.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"

namespace gust::protocol {

/// Of this file. Both ends come from one build; the number catches a stale gust-pack in PATH.
inline constexpr std::uint16_t kPackProtocolVersion = 4;
inline constexpr std::uint32_t kPacketMagic = 0x314b5047;  // "GPK1"
/// Well below the default send buffer of a Unix socket (212,992 bytes).
inline constexpr std::size_t kMaxPacketPayload = 64 << 10;
inline constexpr std::uint32_t kNoWorker = UINT32_MAX;
inline constexpr std::uint64_t kNoAddress = UINT64_MAX;

/// The largest result of one worker.
inline constexpr std::size_t kMaxResultBytes = std::size_t{16} << 20;
/// The largest message that a pack sends: it closes a batch of results before this. What the invoker reads with.
inline constexpr std::size_t kMaxPackMessageBytes = 2 * kMaxResultBytes;

enum class FrameType : std::uint16_t {
  kStart = 1,        ///< invoker -> pack, once: StartMessage
  kLoaded = 2,       ///< pack -> invoker: LoadedMessage
  kLoadFailed = 3,   ///< pack -> invoker, last: a sentence in UTF-8; also when a worker's process cannot be created
  kStarted = 4,      ///< pack -> invoker: StartedMessage
  kFinished = 5,     ///< pack -> invoker: FinishedMessage
  kCrashed = 6,      ///< pack -> invoker, last, from a signal handler or for a worker's process: CrashedMessage
  kExited = 7,       ///< pack -> invoker, last, from exit() or for a worker's process: ExitedMessage
  kPeerAddress = 8,  ///< pack -> invoker, at most once, when a worker first has to do with another pack: its address,
                     ///< or its backend
  kPeers = 9,        ///< invoker -> pack: PeersMessage
  kStop = 10,        ///< invoker -> pack, last: the flare has failed; a sentence in UTF-8. The pack is killed soon.
  kTraffic = 11,     ///< pack -> invoker, at most once, before the last kFinished of a pack that talked: TrafficMessage
};

inline constexpr std::uint16_t kMore = 1;

/// In front of every packet.
struct PacketHeader {
  std::uint32_t magic = kPacketMagic;
  std::uint16_t version = kPackProtocolVersion;
  FrameType type{};
  std::uint16_t flags = 0;  ///< kMore
  std::uint16_t reserved = 0;
  std::uint32_t size = 0;  ///< of the payload that follows in this packet
};
static_assert(sizeof(PacketHeader) == 16);

/// Everything that a pack needs to run its workers.
struct StartMessage {
  std::string flare_id;
  std::string activation_id;
  std::string namespace_name;
  std::string action_name;  ///< fully qualified
  std::string kind;
  std::string code_path;  ///< absolute, readable by the pack
  std::uint32_t invoker_id = 0;
  std::uint32_t pack_id = 0;
  std::uint32_t burst_size = 0;
  std::int64_t deadline_us = 0;                  ///< wall clock, 0 for none
  std::vector<std::uint32_t> pack_first_worker;  ///< of every pack of the flare
  WorkerRange workers;                           ///< of this pack
  std::string params;                            ///< the workers' JSON texts, one after the other
  std::vector<std::uint32_t> params_end;         ///< end of each worker's text in `params`
  std::string peer_host;                         ///< numeric address under which other hosts reach this one
  std::string peer_token;                        ///< by which packs of the flare know each other; empty for one pack
  std::string backend = "tcp";                   ///< what carries messages between packs
  std::string backend_uri;                       ///< of its server, a secret; empty for tcp
  std::uint64_t chunk_bytes = 1 << 20;           ///< of a message, at a time
  std::string main;                              ///< which function, where the kind has a choice; empty: its default
  bool is_single = false;                        ///< an invocation of its own, not a burst of one
  bool is_binary = false;                        ///< the code is no source text
};

struct LoadedMessage {
  std::int64_t entered_us = 0;  ///< first instruction of main
  std::int64_t loaded_us = 0;   ///< code and parameters are in memory
  std::uint64_t peak_memory_bytes = 0;
};

struct WorkerStart {
  std::uint32_t worker_id = 0;
  std::int64_t started_us = 0;
};

using StartedMessage = std::vector<WorkerStart>;

struct WorkerFinish {
  std::uint32_t worker_id = 0;
  bool ok = false;
  std::int64_t function_started_us = 0;
  std::int64_t function_ended_us = 0;
  std::int64_t ended_us = 0;
  std::uint64_t peak_memory_bytes = 0;
  std::string result;  ///< JSON text; the error's text when not ok
};

using FinishedMessage = std::vector<WorkerFinish>;

/// What the workers of a pack have sent: payload, as counted by gust_api.traffic.
struct TrafficMessage {
  std::uint64_t local_messages = 0;
  std::uint64_t local_bytes = 0;
  std::uint64_t remote_messages = 0;  ///< to other packs
  std::uint64_t remote_bytes = 0;
};
static_assert(sizeof(TrafficMessage) == 32);

/// What a pack is told of another one of its flare.
struct PeerNews {
  std::uint32_t pack_id = 0;
  std::string address;  ///< as it was announced; empty: the pack has ended, and nobody is connected to it
};

using PeersMessage = std::vector<PeerNews>;

/// The largest address that a pack may announce.
inline constexpr std::size_t kMaxPeerAddressBytes = 512;

/// A worker was ended by a signal. Written by a signal handler: a plain struct, sent as it lies in memory.
struct CrashedMessage {
  std::uint32_t worker_id = kNoWorker;  ///< whose code it was, or kNoWorker
  std::int32_t signal = 0;
  std::uint64_t address = 0;  ///< si_addr, or kNoAddress
  std::int64_t at_us = 0;
};
static_assert(sizeof(CrashedMessage) == 24);

/// Written by an atexit handler: a plain struct, sent as it lies in memory.
struct ExitedMessage {
  std::uint32_t worker_id = kNoWorker;
  std::int32_t exit_code = 0;
  std::int64_t at_us = 0;
};
static_assert(sizeof(ExitedMessage) == 16);

std::string encode(const StartMessage& message);
std::string encode(const LoadedMessage& message);
std::string encode(const StartedMessage& message);
std::string encode(const FinishedMessage& message);
std::string encode(const PeersMessage& message);
std::string encode(const TrafficMessage& message);
std::string encode(const CrashedMessage& message);
std::string encode(const ExitedMessage& message);

/// kInvalid, naming the field, for any payload that encode() could not have written.
template <class Message>
Result<Message> decode(std::string_view payload);
template <>
Result<StartMessage> decode(std::string_view payload);
template <>
Result<LoadedMessage> decode(std::string_view payload);
template <>
Result<StartedMessage> decode(std::string_view payload);
template <>
Result<FinishedMessage> decode(std::string_view payload);
template <>
Result<PeersMessage> decode(std::string_view payload);
template <>
Result<TrafficMessage> decode(std::string_view payload);
template <>
Result<CrashedMessage> decode(std::string_view payload);
template <>
Result<ExitedMessage> decode(std::string_view payload);

struct Message {
  FrameType type{};
  std::string payload;
};

/// Writes messages as packets to a blocking or a non-blocking socket, with one system call while it has room, so that
/// the other end wakes up once; waits (poll) while it is full, at most `timeout_ms` without progress. Not for use by
/// two threads at once.
Result<void> send_messages(int socket, std::span<const Message> messages, int timeout_ms);

/// Puts packets together again. One for each socket.
class MessageReader {
 public:
  explicit MessageReader(std::size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}

  /// Reads at most one packet from a socket without blocking. A message when one is whole; nothing when there is none
  /// yet (would_block() tells whether the socket was empty). kUnavailable at the end of the stream; kInvalid, kTooLarge
  /// or kVersionMismatch for a packet that breaks the format, after which the socket is to be closed.
  Result<std::optional<Message>> read(int socket);
  [[nodiscard]] bool would_block() const { return would_block_; }

 private:
  std::size_t max_message_bytes_;
  bool would_block_ = false;
  std::optional<Message> partial_;
};

}  // namespace gust::protocol
