// What the driver has to say to the launcher and could not send yet: packets, each with its descriptors.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/fd.h"
#include "container/driver.h"
#include "container/launcher/frames.h"

namespace gust::container {

/// Keeps the order. Nothing blocks.
class Outbox {
 public:
  /// Takes the spec's descriptors; they are closed here once the packet is sent.
  void add_start(Spec spec, const StartEntry& entry);
  void add_kill(ContainerId id);

  enum class Outcome { kSent, kFull, kPeerGone };
  /// Sends as much as the socket takes.
  Outcome flush(int socket);

 private:
  struct Packet {
    std::string bytes;
    std::vector<UniqueFd> descriptors;
    LauncherHeader header;
  };
  /// The last packet if it is of this type and has room for one more entry of `size` bytes, otherwise a new one.
  Packet& packet_for(LauncherFrame type, std::size_t size);

  std::deque<Packet> packets_;
};

}  // namespace gust::container
