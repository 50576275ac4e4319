// The flares that have not ended, with who waits for them. Only on the controller's strand.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "controller/controller.h"
#include "controller/flare.h"
#include "controller/peer_table.h"

namespace gust::controller {

/// Somebody who wants to know a flare's end.
struct Waiter {
  Callback<store::FlarePtr> done;
  boost::asio::steady_timer deadline;
};

struct ActiveFlare {
  ActiveFlare(FlareId id, FlareRequest request, boost::asio::any_io_executor executor)
      : flare(std::move(id), std::move(request)), time_limit(executor) {}
  ActiveFlare(store::OpenFlare open, boost::asio::any_io_executor executor)
      : flare(std::move(open)), time_limit(executor) {}

  Flare flare;
  boost::asio::steady_timer time_limit;
  PeerTable peers;
  std::list<Waiter> waiters;
};

class ActiveFlares {
 public:
  ActiveFlare& add(std::unique_ptr<ActiveFlare> flare);
  /// Null when there is none, or when it is another namespace's.
  [[nodiscard]] ActiveFlare* find(const FlareId& id, std::string_view namespace_name);
  [[nodiscard]] ActiveFlare* find(const FlareId& id);
  /// The flare of an activation. Looks at all that there are.
  [[nodiscard]] ActiveFlare* find(const ActivationId& id, std::string_view namespace_name);
  /// By the run of its present attempt, as invokers and the scheduler know it. Null for an attempt that is over.
  [[nodiscard]] ActiveFlare* find_run(const FlareId& run);
  /// To be told of each run that is not the flare's own id.
  void add_run(const FlareId& run, const FlareId& id) { runs_[run] = id; }
  [[nodiscard]] std::unique_ptr<ActiveFlare> take(const FlareId& id);
  [[nodiscard]] std::size_t size() const { return flares_.size(); }
  /// In no particular order.
  [[nodiscard]] std::vector<FlareId> ids() const;

 private:
  std::unordered_map<FlareId, std::unique_ptr<ActiveFlare>> flares_;
  std::unordered_map<FlareId, FlareId> runs_;  // of flares that started again
};

}  // namespace gust::controller
