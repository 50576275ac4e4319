// All packs of this invoker: starts them as the controller orders, feeds them their containers' events, and decides
// when their news go out.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "container/driver.h"
#include "invoker/code_cache.h"
#include "invoker/metrics.h"
#include "invoker/pack_session.h"
#include "invoker/report_batch.h"
#include "protocol/control.pb.h"

namespace gust::invoker {

struct PackHostParts {
  boost::asio::io_context& io;
  container::Driver& driver;
  ReportBatch& reports;
  const CodeCache& code;
  Metrics& metrics;
};

struct PackHostEvents {
  std::function<void()> empty;                    ///< the last container is gone
  std::function<void(const Error&)> driver_lost;  ///< the driver is gone, and its containers with it
};

/// Only on the invoker's thread.
class PackHost final : private PackObserver {
 public:
  PackHost(const PackHostParts& parts, std::string api_host, std::string peer_host, PackHostEvents events);
  ~PackHost() override;
  PackHost(const PackHost&) = delete;
  PackHost& operator=(const PackHost&) = delete;

  /// A session has begun: the controller knows this invoker by this id. With `keep` flares are remembered until they
  /// are forgotten.
  void begin_session(InvokerId id, bool keep);
  /// It has ended; the packs go on.
  void end_session() { in_session_ = false; }

  /// Starts all packs of an order. What cannot be started ends with a report; an error means that the order itself
  /// makes no sense.
  Result<void> start(const protocol::StartPacks& order, WallTime received);
  void stop_flare(const std::string& flare_id, const std::string& reason);
  /// Kills the flare's packs; their news are of no interest any more.
  void forget_flare(const std::string& flare_id);
  /// Hands news of a flare's packs to those that run here.
  void tell_peers(const protocol::Peers& news);
  /// forget_flare() for all of them. `empty` follows, unless there were none.
  void abandon_all();
  /// The flares that were started in sessions with `keep`, and not forgotten.
  [[nodiscard]] std::vector<protocol::KeptFlare> kept() const;

  /// No container is left.
  [[nodiscard]] bool empty() const { return sessions_.empty(); }
  [[nodiscard]] std::size_t count() const { return sessions_.size(); }
  [[nodiscard]] std::uint32_t prewarmed() const { return prewarmed_; }

 private:
  /// The packs of one flare that run here.
  using Packs = std::map<std::uint32_t, container::ContainerId>;

  void pack_ended(const PackSession& pack, protocol::PackCause cause) override;

  void keep(const protocol::StartPacks& order);
  void launch(const protocol::StartPacks& order, const std::string& code_path, WallTime received);
  Result<container::Spec> prepare(const protocol::StartPacks& order, const protocol::PackStart& pack,
                                  const std::string& code_path, WallTime received);
  void report_not_started(const protocol::StartPacks& order, const protocol::PackStart& pack, std::string_view reason);
  void wait_for_events();
  Result<void> read_events();

  PackHostParts parts_;
  std::string api_host_;
  std::string peer_host_;
  PackHostEvents events_;
  InvokerId invoker_id_;
  std::uint32_t prewarmed_ = 0;
  bool in_session_ = false;  ///< with a controller, which wants to know of `prewarmed_`
  container::ContainerId next_container_ = 1;
  std::map<container::ContainerId, std::shared_ptr<PackSession>> sessions_;
  std::unordered_map<std::string, Packs> flares_;
  bool keep_ = false;
  std::map<std::string, protocol::KeptFlare> kept_;
  boost::asio::posix::stream_descriptor driver_events_;  // borrowed from the driver
};

}  // namespace gust::invoker
