// What the invokers are told: a flare's record turned into messages.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "controller/flare.h"
#include "protocol/control.pb.h"

namespace gust::controller {

/// Shared, so that one message can wait in many invokers' queues.
using MessagePtr = std::shared_ptr<const protocol::ControllerMessage>;

/// Invokers know a flare by the id of its run. One StartPacks, with the flare's secret for its packs, for each invoker
/// that has packs of the flare. `backend_uri` is that of the server by way of which they talk.
std::vector<std::pair<InvokerId, MessagePtr>> start_orders(const Flare& flare, const std::string& backend_uri = {},
                                                           const Runtimes& runtimes = {});

/// Where packs are, for the invokers whose packs may want to talk to them.
MessagePtr peer_order(const FlareId& flare, const std::vector<protocol::Peer>& news);

MessagePtr stop_order(const FlareId& flare, std::string_view reason);

MessagePtr forget_order(const std::vector<std::string>& runs);

MessagePtr release_order();

MessagePtr drop_order(std::string_view digest);

/// A package in pieces, in order.
std::vector<MessagePtr> code_orders(std::string_view digest, std::string_view code);

}  // namespace gust::controller
