#include "container/client/outbox.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "container/launcher/packet.h"

namespace gust::container {

Outbox::Packet& Outbox::packet_for(LauncherFrame type, std::size_t size) {
  const bool fits = !packets_.empty() && packets_.back().header.type == type &&
                    packets_.back().bytes.size() + size <= kMaxLauncherPacket &&
                    (type != LauncherFrame::kStart || packets_.back().header.count < kMaxStartsPerPacket);
  if (!fits) {
    packets_.push_back(
        {.bytes = std::string(sizeof(LauncherHeader), '\0'), .descriptors = {}, .header = {.type = type}});
  }
  ++packets_.back().header.count;
  return packets_.back();
}

void Outbox::add_start(Spec spec, const StartEntry& entry) {
  Packet& packet = packet_for(LauncherFrame::kStart, start_size(spec.environment));
  append_start(packet.bytes, entry, spec.environment);
  packet.descriptors.push_back(std::move(spec.socket));
  packet.descriptors.push_back(std::move(spec.standard_output));
  packet.descriptors.push_back(std::move(spec.standard_error));
}

void Outbox::add_kill(ContainerId id) {
  packet_for(LauncherFrame::kKill, sizeof id).bytes.append(reinterpret_cast<const char*>(&id), sizeof id);
}

Outbox::Outcome Outbox::flush(int socket) {
  while (!packets_.empty()) {
    Packet& packet = packets_.front();
    std::memcpy(packet.bytes.data(), &packet.header, sizeof packet.header);
    switch (send_packet(socket, packet.bytes, packet.descriptors)) {
      case 0: packets_.pop_front(); break;
      // The last three: the kernel is short of memory for the packet, or the user has as many descriptors on their way
      // through sockets as a process may open (which only other users of sockets and the launcher itself can change).
      case EAGAIN:
      case EINTR:
      case ENOBUFS:
      case ENOMEM:
      case ETOOMANYREFS: return Outcome::kFull;
      default: return Outcome::kPeerGone;
    }
  }
  return Outcome::kSent;
}

}  // namespace gust::container
