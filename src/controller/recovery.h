// After a controller was started again: which invokers of its predecessor's flares have not come back yet, and which
// flares have to wait until they have. Only on the controller's strand.
#pragma once

#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/active_flares.h"
#include "controller/invokers.h"

namespace gust::controller {

/// Packs by the runs of their flares.
using Packs = std::vector<std::pair<FlareId, PackId>>;

class Recovery {
 public:
  /// What is in `flares` is the predecessor's; those that are queued are held, in the order of their arrival. They may
  /// have been started since that was written: until settle() all invokers are awaited.
  explicit Recovery(ActiveFlares& flares);

  /// Invokers are still awaited: until then nothing is planned, because what runs on them is not known.
  [[nodiscard]] bool is_attaching() const { return !settled_ || unknown_packs_ > 0 || !awaited_.empty(); }

  struct Reunion {
    Packs lost;                  ///< that should have been there, and are not
    std::vector<FlareId> found;  ///< flares that were held, and run
  };
  /// The newcomer's packs are those that it has kept of these flares.
  Reunion attach(Invoker& invoker, WallTime now);
  /// Invokers have had time to come, of which nothing is known yet.
  void settle() { settled_ = true; }
  /// Waits for nobody any more. Gives the packs of invokers that did not come.
  Packs stop_waiting();

  /// The pack has ended, though that has not been reported to this controller yet.
  [[nodiscard]] bool is_over(const FlareId& run, PackId pack) const { return over_.contains({run, pack}); }

  /// Flares that the scheduler has not been told of yet.
  [[nodiscard]] std::deque<FlareId>& held() { return held_; }

 private:
  ActiveFlares& flares_;
  std::set<std::string> awaited_;  // names
  std::size_t unknown_packs_ = 0;  // of found flares, on invokers that are not known
  std::set<std::pair<FlareId, PackId>> over_;
  std::deque<FlareId> held_;
  bool settled_ = false;
};

}  // namespace gust::controller
