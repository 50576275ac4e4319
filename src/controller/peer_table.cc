#include "controller/peer_table.h"

#include <utility>

namespace gust::controller {

void PeerTable::take(const protocol::PackReport& report) {
  if (report.peer_address().empty() && !report.has_ended()) return;
  any_address_ = any_address_ || !report.peer_address().empty();
  const bool is_news = known_.insert(report.pack_id()).second;
  if (is_news && !report.peer_address().empty()) add(report.pack_id(), report.peer_address());
  // The end of a pack that had an address is seen by those that are connected to it, after what it sent.
  if (report.has_ended() && (all_ends_ || (is_news && report.peer_address().empty()))) add(report.pack_id(), {});
}

void PeerTable::add(std::uint32_t pack, const std::string& address) {
  protocol::Peer peer;
  peer.set_pack_id(pack);
  peer.set_address(address);
  news_.push_back(std::move(peer));
}

std::vector<protocol::Peer> PeerTable::take_news() {
  if (!any_address_) return {};
  return std::exchange(news_, {});
}

}  // namespace gust::controller
