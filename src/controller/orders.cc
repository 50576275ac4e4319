#include "controller/orders.h"

#include <algorithm>
#include <map>
#include <string>

#include "protocol/version.h"

namespace gust::controller {

namespace {

/// What gust-pack is to run. Actions of kinds that it does not know have been stored because they are executables.
std::string pack_kind(const store::Action& action, const RuntimePlace& place) {
  if (!place.server.empty()) return "http";
  const std::string& kind = action.kind;
  const bool is_known = kind == "cpp:1" || kind == "blackbox" || kind == "native" || kind.starts_with("python:");
  return is_known ? kind : "native";
}

void fill_header(protocol::StartPacks& order, const store::FlareRecord& flare, const Runtimes& runtimes) {
  const store::Action& action = *flare.action;
  order.set_flare_id(flare.run.str());
  order.set_namespace_name(flare.namespace_name);
  order.set_action_name(action.qualified_name());
  order.set_action_version(action.version);
  RuntimePlace place = place_runtime(runtimes, action.kind, action.image);
  order.set_kind(pack_kind(action, place));
  order.set_server(std::move(place.server));
  order.set_is_binary(action.binary);
  order.set_image(std::move(place.image));
  order.set_python(std::move(place.python));
  order.set_code_digest(action.code_digest);
  order.set_main(action.main);
  order.set_is_single(flare.invocation == store::Invocation::kSingle);
  order.set_burst_size(flare.burst_size);
  order.mutable_pack_first_worker()->Reserve(static_cast<int>(flare.packs.size()));
  for (const store::PackRecord& pack : flare.packs) order.add_pack_first_worker(pack.workers.first.value());
  order.set_backend(flare.backend);
  order.set_chunk_bytes(flare.chunk.count());
  order.set_memory_bytes(action.limits.memory.count());
  order.set_log_bytes(action.limits.logs.count());
  order.set_processes(action.limits.processes);
  order.set_open_files(action.limits.open_files);
  order.set_tmp_bytes(action.limits.tmp.count());
  order.set_cpu_percent(action.limits.cpu);
  order.set_deadline_us(to_micros(flare.stamps.reserved + action.limits.timeout));
}

void fill_pack(protocol::PackStart& start, std::uint32_t pack_id, const store::PackRecord& pack,
               const ActivationId& activation, const std::vector<std::string>& params) {
  start.set_pack_id(pack_id);
  start.set_activation_id(activation.str());
  start.set_first_worker(pack.workers.first.value());
  start.set_worker_count(pack.workers.count);
  std::string& texts = *start.mutable_params();
  for (std::uint32_t w = pack.workers.first.value(); w < pack.workers.end(); ++w) {
    texts += params[w];
    start.add_params_end(static_cast<std::uint32_t>(texts.size()));
  }
}

}  // namespace

std::vector<std::pair<InvokerId, MessagePtr>> start_orders(const Flare& flare, const std::string& backend_uri,
                                                           const Runtimes& runtimes) {
  const store::FlareRecord& record = flare.record();
  std::map<InvokerId, std::shared_ptr<protocol::ControllerMessage>> orders;
  const std::string peer_token = record.packs.size() > 1 ? random_hex_id() : std::string();
  auto activation = record.activations.begin();
  for (std::uint32_t p = 0; p < record.packs.size(); ++p) {
    const store::PackRecord& pack = record.packs[p];
    while (!activation->workers.contains(pack.workers.first)) ++activation;
    auto& order = orders[pack.invoker];
    if (!order) {
      order = std::make_shared<protocol::ControllerMessage>();
      fill_header(*order->mutable_start_packs(), record, runtimes);
      order->mutable_start_packs()->set_peer_token(peer_token);
      if (record.packs.size() > 1) order->mutable_start_packs()->set_backend_uri(backend_uri);
    }
    fill_pack(*order->mutable_start_packs()->add_packs(), p, pack, activation->id, flare.params());
  }
  return {orders.begin(), orders.end()};
}

MessagePtr peer_order(const FlareId& flare, const std::vector<protocol::Peer>& news) {
  auto message = std::make_shared<protocol::ControllerMessage>();
  message->mutable_peers()->set_flare_id(flare.str());
  for (const protocol::Peer& peer : news) *message->mutable_peers()->add_peers() = peer;
  return message;
}

MessagePtr stop_order(const FlareId& flare, std::string_view reason) {
  auto message = std::make_shared<protocol::ControllerMessage>();
  message->mutable_stop_flare()->set_flare_id(flare.str());
  message->mutable_stop_flare()->set_reason(std::string(reason));
  return message;
}

MessagePtr forget_order(const std::vector<std::string>& runs) {
  auto message = std::make_shared<protocol::ControllerMessage>();
  message->mutable_forget()->mutable_flare_ids()->Assign(runs.begin(), runs.end());
  return message;
}

MessagePtr release_order() {
  auto message = std::make_shared<protocol::ControllerMessage>();
  message->mutable_released();
  return message;
}

MessagePtr drop_order(std::string_view digest) {
  auto message = std::make_shared<protocol::ControllerMessage>();
  message->mutable_drop_code()->set_digest(std::string(digest));
  return message;
}

std::vector<MessagePtr> code_orders(std::string_view digest, std::string_view code) {
  std::vector<MessagePtr> orders;
  std::size_t at = 0;
  do {
    const std::string_view piece = code.substr(at, protocol::kCodePieceBytes);
    at += piece.size();
    auto message = std::make_shared<protocol::ControllerMessage>();
    protocol::Code& part = *message->mutable_code();
    part.set_digest(std::string(digest));
    part.set_piece(std::string(piece));
    part.set_last(at == code.size());
    orders.push_back(std::move(message));
  } while (at < code.size());
  return orders;
}

}  // namespace gust::controller
