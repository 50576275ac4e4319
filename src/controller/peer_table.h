// Which packs of a flare communicate, and what the others have not been told of them yet. Only on the controller's
// strand.
#pragma once

#include <set>
#include <vector>

#include "protocol/control.pb.h"

namespace gust::controller {

class PeerTable {
 public:
  /// A pack's report: its address, or its end without one.
  void take(const protocol::PackReport& report);
  /// What all packs are to be told, once; nothing while none communicates.
  std::vector<protocol::Peer> take_news();

 private:
  std::set<std::uint32_t> known_;
  std::vector<protocol::Peer> news_;
  bool any_address_ = false;
};

}  // namespace gust::controller
