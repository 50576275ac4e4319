#include "controller/peer_table.h"

#include <utility>

namespace gust::controller {

void PeerTable::take(const protocol::PackReport& report) {
  if (report.peer_address().empty() && !report.has_ended()) return;
  // The end of a pack that had an address is seen by those that are connected to it, after what it sent.
  if (!known_.insert(report.pack_id()).second) return;
  any_address_ = any_address_ || !report.peer_address().empty();
  protocol::Peer peer;
  peer.set_pack_id(report.pack_id());
  peer.set_address(report.peer_address());
  news_.push_back(std::move(peer));
}

std::vector<protocol::Peer> PeerTable::take_news() {
  if (!any_address_) return {};
  return std::exchange(news_, {});
}

}  // namespace gust::controller
