// Which packs of a flare communicate, and what the others have not been told of them yet. Only on the controller's
// strand.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "protocol/control.pb.h"

namespace gust::controller {

class PeerTable {
 public:
  /// By way of a server nobody is connected to a pack that ends: the others are told, also of one that communicated.
  void tell_all_ends() { all_ends_ = true; }
  /// A pack's report: its address, or its end without one.
  void take(const protocol::PackReport& report);
  /// What all packs are to be told, once; nothing while none communicates.
  std::vector<protocol::Peer> take_news();

 private:
  void add(std::uint32_t pack, const std::string& address);

  std::set<std::uint32_t> known_;
  bool all_ends_ = false;
  std::vector<protocol::Peer> news_;
  bool any_address_ = false;
};

}  // namespace gust::controller
