#include "invoker/pack_host.h"

#include <fmt/format.h>
#include <optional>
#include <unordered_set>
#include <utility>

#include "invoker/message_writer.h"
#include "invoker/pack_channel.h"
#include "invoker/pack_environment.h"
#include "protocol/pack_frames.h"

namespace gust::invoker {

namespace {

// The controller is trusted, and a mistake of its is still better named here than in a pack.
Result<void> check_order(const protocol::StartPacks& order) {
  if (!is_hex_id(order.flare_id())) {
    return fail(ErrorCode::kInvalid, fmt::format("'{}' is not a flare id", order.flare_id()));
  }
  std::unordered_set<std::uint32_t> seen;
  for (const protocol::PackStart& pack : order.packs()) {
    const auto wrong = [&](std::string_view what) {
      return fail(ErrorCode::kInvalid, fmt::format("pack {} of flare {} {}", pack.pack_id(), order.flare_id(), what));
    };
    if (!seen.insert(pack.pack_id()).second) return wrong("is ordered twice");
    if (pack.worker_count() == 0) return wrong("has no workers");
    if (std::uint64_t{pack.first_worker()} + pack.worker_count() > order.burst_size()) {
      return wrong("has workers outside its flare");
    }
    if (static_cast<std::uint32_t>(pack.params_end_size()) != pack.worker_count()) {
      return wrong(fmt::format("has {} workers and {} parameters", pack.worker_count(), pack.params_end_size()));
    }
    std::uint32_t last = 0;
    for (const std::uint32_t end : pack.params_end()) {
      if (end < last || end > pack.params().size()) return wrong("has parameters outside their text");
      last = end;
    }
  }
  return {};
}

/// As far as can be told before gust-pack has looked at the code of a blackbox action.
bool runs_python(const protocol::StartPacks& order) {
  if (!order.server().empty()) return false;
  return order.kind().starts_with("python") || order.kind() == "blackbox";
}

protocol::StartMessage start_message(const protocol::StartPacks& order, const protocol::PackStart& pack,
                                     const std::string& code_path, InvokerId invoker, const std::string& peer_host) {
  protocol::StartMessage message;
  message.flare_id = order.flare_id();
  message.activation_id = pack.activation_id();
  message.namespace_name = order.namespace_name();
  message.action_name = order.action_name();
  message.kind = order.kind();
  message.code_path = code_path;
  message.main = order.main();
  message.is_single = order.is_single();
  message.is_binary = order.is_binary();
  message.invoker_id = invoker.value();
  message.pack_id = pack.pack_id();
  message.burst_size = order.burst_size();
  message.deadline_us = order.deadline_us();
  message.pack_first_worker.assign(order.pack_first_worker().begin(), order.pack_first_worker().end());
  message.workers = {WorkerId(pack.first_worker()), pack.worker_count()};
  message.params = pack.params();
  message.params_end.assign(pack.params_end().begin(), pack.params_end().end());
  message.peer_host = peer_host;
  message.peer_token = order.peer_token();
  message.backend = order.backend();
  message.backend_uri = order.backend_uri();
  message.chunk_bytes = order.chunk_bytes();
  return message;
}

}  // namespace

PackHost::PackHost(const PackHostParts& parts, std::string api_host, std::string peer_host, PackHostEvents events)
    : parts_(parts),
      api_host_(std::move(api_host)),
      peer_host_(std::move(peer_host)),
      events_(std::move(events)),
      driver_events_(parts.io, parts.driver.event_fd()) {
  wait_for_events();
}

PackHost::~PackHost() { driver_events_.release(); }

void PackHost::begin_session(InvokerId id, bool keep) {
  invoker_id_ = id;
  keep_ = keep;
  in_session_ = true;
  if (prewarmed_ != 0) parts_.reports.prewarmed(prewarmed_);
}

Result<void> PackHost::start(const protocol::StartPacks& order, WallTime received) {
  GUST_TRY_VOID(check_order(order));
  if (flares_.contains(order.flare_id())) {
    return fail(ErrorCode::kInvalid, fmt::format("flare {} runs here already", order.flare_id()));
  }
  if (keep_) keep(order);
  if (const auto code_path = parts_.code.find(order.code_digest())) {
    launch(order, parts_.driver.path_inside(*code_path), received);
  } else {
    for (const protocol::PackStart& pack : order.packs()) {
      report_not_started(order, pack, fmt::format("its code {} has not arrived on this invoker", order.code_digest()));
    }
  }
  // When nothing could be started there is nothing to wait for.
  if (!flares_.contains(order.flare_id())) parts_.reports.flush();
  return {};
}

std::vector<protocol::KeptFlare> PackHost::kept() const {
  std::vector<protocol::KeptFlare> list;
  list.reserve(kept_.size());
  for (const auto& [id, ordered] : kept_) {
    protocol::KeptFlare& kept = list.emplace_back(ordered);
    const auto running = flares_.find(id);
    for (const std::uint32_t pack : ordered.pack_ids()) {
      if (running == flares_.end() || !running->second.contains(pack)) kept.add_ended_pack_ids(pack);
    }
  }
  return list;
}

void PackHost::keep(const protocol::StartPacks& order) {
  protocol::KeptFlare& kept = kept_[order.flare_id()];
  kept.set_flare_id(order.flare_id());
  *kept.mutable_pack_first_worker() = order.pack_first_worker();
  for (const protocol::PackStart& pack : order.packs()) kept.add_pack_ids(pack.pack_id());
}

void PackHost::launch(const protocol::StartPacks& order, const std::string& code_path, WallTime received) {
  std::vector<container::Spec> specs;
  std::vector<std::shared_ptr<PackSession>> started;
  specs.reserve(static_cast<std::size_t>(order.packs_size()));
  for (const protocol::PackStart& pack : order.packs()) {
    auto spec = prepare(order, pack, code_path, received);
    if (!spec) {
      report_not_started(order, pack, spec.error().message);
      continue;
    }
    started.push_back(sessions_.at(spec->id));
    specs.push_back(std::move(*spec));
  }
  const auto ordered = parts_.driver.start(std::move(specs));
  // Reading begins after the containers were ordered: it takes system calls that the start need not wait for.
  for (const auto& session : started) {
    session->begin();
    if (ordered) continue;
    container::Exited never;
    never.id = session->identity().container;
    never.at = wall_now();
    never.failure = ordered.error().message;
    session->exited(never);
  }
}

Result<container::Spec> PackHost::prepare(const protocol::StartPacks& order, const protocol::PackStart& pack,
                                          const std::string& code_path, WallTime received) {
  std::string start = protocol::encode(start_message(order, pack, code_path, invoker_id_, peer_host_));
  PackChannel channel = GUST_TRY(open_pack_channel(start.size()));
  // Written before the container exists, so that the pack finds it when it first looks.
  std::optional<MessageWriter> writer(std::in_place, protocol::FrameType::kStart, std::move(start));
  if (GUST_TRY(writer->write_some(channel.ours.socket.get())) == MessageWriter::Progress::kDone) writer.reset();

  PackIdentity identity{.container = next_container_++,
                        .flare_id = order.flare_id(),
                        .pack = PackId(pack.pack_id()),
                        .invoker = invoker_id_,
                        .workers = {WorkerId(pack.first_worker()), pack.worker_count()},
                        .memory_limit = Bytes(order.memory_bytes()),
                        .log_limit = Bytes(order.log_bytes()),
                        .received = received};
  container::Spec spec;
  spec.id = identity.container;
  spec.limits.memory = identity.memory_limit;
  spec.limits.workers = pack.worker_count();
  spec.image = order.image();
  spec.python = runs_python(order);
  if (order.processes() != 0) spec.limits.processes = order.processes();
  if (order.open_files() != 0) spec.limits.open_files = order.open_files();
  if (order.cpu_percent() != 0) spec.limits.cpu_percent = order.cpu_percent();
  spec.limits.tmp = Bytes(order.tmp_bytes());
  spec.environment = pack_environment(order, pack, invoker_id_, api_host_);
  spec.socket = std::move(channel.theirs.socket);
  spec.standard_output = std::move(channel.theirs.standard_output);
  spec.standard_error = std::move(channel.theirs.standard_error);

  flares_[order.flare_id()].emplace(pack.pack_id(), spec.id);
  sessions_.emplace(spec.id,
                    std::make_shared<PackSession>(PackParts{parts_.io, parts_.driver, parts_.reports, *this},
                                                  std::move(identity), std::move(channel.ours), std::move(writer)));
  return spec;
}

void PackHost::report_not_started(const protocol::StartPacks& order, const protocol::PackStart& pack,
                                  std::string_view reason) {
  parts_.metrics.pack_ended(protocol::PACK_CAUSE_LAUNCH_FAILED);
  ReportSlot slot;
  *parts_.reports.report(slot, order.flare_id(), pack.pack_id()).mutable_ended() =
      PackLedger::launch_failed(PackId(pack.pack_id()), reason, wall_now());
}

void PackHost::stop_flare(const std::string& flare_id, const std::string& reason) {
  const auto flare = flares_.find(flare_id);
  if (flare == flares_.end()) return;
  for (const auto& [pack, container] : flare->second) sessions_.at(container)->stop(reason);
}

void PackHost::tell_peers(const protocol::Peers& news) {
  const auto flare = flares_.find(news.flare_id());
  if (flare == flares_.end()) return;
  protocol::PeersMessage message;
  for (const protocol::Peer& peer : news.peers()) message.push_back({peer.pack_id(), peer.address()});
  for (const auto& [pack, container] : flare->second) sessions_.at(container)->tell_peers(message);
}

void PackHost::forget_flare(const std::string& flare_id) {
  kept_.erase(flare_id);
  const auto flare = flares_.extract(flare_id);
  if (!flare) return;
  for (const auto& [pack, container] : flare.mapped()) {
    const std::shared_ptr<PackSession> session = sessions_.at(container);  // it may leave the table at once
    session->abandon();
  }
}

void PackHost::abandon_all() {
  kept_.clear();
  flares_.clear();
  const auto sessions = sessions_;  // those that are gone already leave the table at once
  for (const auto& [container, session] : sessions) session->abandon();
}

void PackHost::pack_ended(const PackSession& pack, protocol::PackCause cause) {
  parts_.metrics.pack_ended(cause);
  if (!pack.abandoned()) {
    const auto flare = flares_.find(pack.identity().flare_id);
    flare->second.erase(pack.identity().pack.value());
    const bool last = flare->second.empty();
    if (last) flares_.erase(flare);
    if (last || (cause != protocol::PACK_CAUSE_FINISHED && cause != protocol::PACK_CAUSE_STOPPED)) {
      parts_.reports.flush();
    }
  }
  sessions_.erase(pack.identity().container);
  if (sessions_.empty()) events_.empty();
}

void PackHost::wait_for_events() {
  driver_events_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
    if (error) return;
    if (const auto read = read_events(); !read) {
      events_.driver_lost(read.error());
    } else {
      wait_for_events();
    }
  });
}

Result<void> PackHost::read_events() {
  // A container that nobody asks for any more is no longer in the table.
  const auto with_session = [this](container::ContainerId id, auto&& action) {
    if (const auto found = sessions_.find(id); found != sessions_.end()) {
      const std::shared_ptr<PackSession> session = found->second;
      action(*session);
    }
  };
  return parts_.driver.read_events(
      {.launched =
           [&](const container::Launched& event) {
             with_session(event.id, [&](PackSession& pack) {
               pack.launched(event);
               parts_.metrics.pack_launched(event.at - pack.identity().received);
             });
           },
       .exited = [&](const auto& event) { with_session(event.id, [&](auto& pack) { pack.exited(event); }); },
       .prewarmed =
           [this](std::uint32_t ready) {
             prewarmed_ = ready;
             if (in_session_) parts_.reports.prewarmed(ready);
           }});
}

}  // namespace gust::invoker
