// What packs write to their connections: one Hello, then frames, each a message::FrameHeader and its payload. Written
// by the pack that connects, read by the one that listens; nothing comes back.
#pragma once

#include <array>
#include <cstdint>

namespace gust::transport {

inline constexpr std::uint32_t kPeerMagic = 0x31505047;  // "GPP1"
inline constexpr std::uint32_t kPeerVersion = 1;
inline constexpr std::size_t kIdBytes = 32;

struct Hello {
  std::uint32_t magic = kPeerMagic;
  std::uint32_t version = kPeerVersion;
  std::uint32_t from_pack = 0;
  std::uint32_t to_pack = 0;
  std::array<char, kIdBytes> flare_id{};
  std::array<char, kIdBytes> token{};
};
static_assert(sizeof(Hello) == 80);

}  // namespace gust::transport
