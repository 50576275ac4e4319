// Under which address packs on other hosts reach the packs of this one.
#pragma once

#include <string>

namespace gust::invoker {

/// The numeric address from which this host reaches its controller, because the hosts that are to talk to each other
/// all do; 127.0.0.1 where the controller is on this host or cannot be found. Asks the resolver; sends nothing.
std::string detect_peer_host(const std::string& controller);

}  // namespace gust::invoker
