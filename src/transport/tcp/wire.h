// What packs write to their connections: one Hello, then frames, each a message::FrameHeader and its payload. Written
// by the pack that connects, read by the one that listens; nothing comes back.
//
// On one host the frames do not go through the socket but through a ring (ring.h), whose memfd comes with the Hello.
// The socket then carries bells, bytes of any value: from the writer to a reader that sleeps, and back to a writer that
// waits for room. Its end is the end of the stream, after what is in the ring.
#pragma once

#include <array>
#include <cstdint>

namespace gust::transport {

inline constexpr std::uint32_t kPeerMagic = 0x31505047;  // "GPP1"
inline constexpr std::uint32_t kPeerVersion = 2;
inline constexpr std::size_t kIdBytes = 32;

struct Hello {
  std::uint32_t magic = kPeerMagic;
  std::uint32_t version = kPeerVersion;
  std::uint32_t from_pack = 0;
  std::uint32_t to_pack = 0;
  std::array<char, kIdBytes> flare_id{};
  std::array<char, kIdBytes> token{};
  std::uint32_t ring_bytes = 0;  ///< capacity of the ring; 0: frames follow on the socket
  std::uint32_t reserved = 0;
};
static_assert(sizeof(Hello) == 88);

}  // namespace gust::transport
