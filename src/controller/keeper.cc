#include "controller/keeper.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <iterator>
#include <utility>

namespace gust::controller {

namespace {

// Invokers lose nothing by keeping reports for so long, and many flares share one message.
constexpr std::chrono::milliseconds kTellDelay{250};
// Until it is asked again whether a disk can be written.
constexpr std::chrono::seconds kRetryDelay{2};

}  // namespace

Keeper::Keeper(Strand strand, const store::Stores& stores, InvokerTable& invokers)
    : strand_(std::move(strand)),
      open_(stores.open_flares),
      journal_(stores.journal),
      state_name_(stores.name),
      invokers_(invokers),
      timer_(strand_) {}

void Keeper::keep(const Flare& flare) {
  if (!state_name_.empty()) open_.keep(flare.to_open());
}

void Keeper::attempt_over(const store::FlareRecord& flare) {
  if (state_name_.empty() || flare.packs.empty()) return;
  if (over_.empty()) tell_after(kTellDelay);
  std::set<InvokerId> concerned;
  for (const store::PackRecord& pack : flare.packs) concerned.insert(pack.invoker);
  for (const InvokerId invoker : concerned) over_[invoker].push_back(flare.run.str());
}

void Keeper::ended(const store::FlareRecord& flare) {
  if (state_name_.empty()) return;
  open_.drop(flare.id);
  attempt_over(flare);
}

void Keeper::tell_after(std::chrono::milliseconds delay) {
  timer_.expires_after(delay);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) tell_when_safe();
  });
}

// What could not be written is in memory alone: then the invokers go on keeping it.
void Keeper::tell_when_safe() {
  journal_.when_written([this, strand = strand_, runs = std::exchange(over_, {})](const Result<void>& written) mutable {
    boost::asio::post(strand, [this, runs = std::move(runs), safe = written.has_value()]() mutable {
      if (safe) return tell(runs);
      for (auto& [invoker, ids] : over_) std::ranges::move(ids, std::back_inserter(runs[invoker]));
      over_ = std::move(runs);
      tell_after(kRetryDelay);
    });
  });
}

void Keeper::tell(const Runs& runs) {
  for (const auto& [id, ids] : runs) {
    const Invoker* invoker = invokers_.find(id);
    if (invoker != nullptr && invoker->reattaches()) invoker->link->send(forget_order(ids));
  }
}

}  // namespace gust::controller
