// What of flares outlives this controller: the store learns which are open, and the invokers which reports are safe.
// Does nothing when the state has no name. Only on the controller's strand.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/flare.h"
#include "controller/invokers.h"
#include "store/store.h"

namespace gust::controller {

class Keeper {
 public:
  using Strand = boost::asio::strand<boost::asio::io_context::executor_type>;

  Keeper(Strand strand, const store::Stores& stores, InvokerTable& invokers);

  [[nodiscard]] const std::string& state_name() const { return state_name_; }

  /// The flare waits, or its present attempt has begun, or is to end by order.
  void keep(const Flare& flare);
  /// Its present attempt is over, and another follows.
  void attempt_over(const store::FlareRecord& flare);
  /// It has ended, and the store has been given its record.
  void ended(const store::FlareRecord& flare);

 private:
  using Runs = std::map<InvokerId, std::vector<std::string>>;

  void tell_after(std::chrono::milliseconds delay);
  void tell_when_safe();
  void tell(const Runs& runs);

  Strand strand_;
  store::OpenFlareStore& open_;
  store::Journal& journal_;
  std::string state_name_;
  InvokerTable& invokers_;
  boost::asio::steady_timer timer_;
  Runs over_;  // that invokers need not keep, once the store has written what came of them
};

}  // namespace gust::controller
