// Packets on the socket between driver and launcher, with their descriptors. Nothing here blocks.
#pragma once

#include <cstring>
#include <span>
#include <vector>

#include "base/fd.h"
#include "container/launcher/frames.h"

namespace gust::container {

struct ReceivedPacket {
  std::span<char> bytes;  ///< in the caller's buffer; empty when there was none
  std::vector<UniqueFd> descriptors;
  bool end = false;  ///< the peer is gone
};

/// Descriptors beyond what the process may have are missing at the end.
ReceivedPacket receive_packet(int socket, std::span<char> buffer);

/// 0, or errno: EAGAIN when the socket is full.
int send_packet(int socket, std::span<const char> bytes, std::span<const UniqueFd> descriptors);

/// A packet of a header and entries of one kind. False when the socket is full; what a peer that is gone does not get
/// is lost.
template <class Entry>
bool send_packet(int socket, LauncherFrame type, std::span<const Entry> entries) {
  const LauncherHeader header{.type = type, .count = static_cast<std::uint32_t>(entries.size())};
  std::vector<char> bytes(sizeof header + entries.size_bytes());
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, entries.data(), entries.size_bytes());
  return send_packet(socket, bytes, {}) != EAGAIN;
}

/// The entries behind the header of a packet that read_header() accepted.
template <class Entry>
std::vector<Entry> entries(std::span<const char> packet) {
  const std::span<const char> rest = packet.subspan(sizeof(LauncherHeader));
  std::vector<Entry> all(rest.size() / sizeof(Entry));
  std::memcpy(all.data(), rest.data(), all.size() * sizeof(Entry));
  return all;
}

}  // namespace gust::container
