// gust::Pending: a call to other workers that was started and is waited for later.
//
// The problem: a worker that waits for a message does nothing else, though the network needs no help of it. So the
// calls of gust::Burst that block have a form that does not (start_recv for recv, start_all_reduce for all_reduce,
// ...), which gives a Pending:
//
//   auto halo = burst.start_recv<double>(left);          // takes its turn now
//   burst.start_send(right, edge);                       // goes on by itself: nobody needs to wait for it
//   compute_inner(block);                                // meanwhile
//   compute_border(block, halo.wait());                  // the message; blocks only if it is not there yet
//
// The contract:
// - Any number may be under way, and they are over in any order. Which message or which operation of the others a call
//   gets is decided when it is started: a started receive comes before those that are started or made later, a started
//   send before what is sent later, and operations of all workers are matched in the order in which each worker starts
//   or makes them; one worker may start what another calls in the blocking form.
// - Data to send or to combine is taken when the call is started: copied, or not if it was moved or is a Buffer or an
//   Array, as in the blocking form. Nothing that the caller owns has to stay in place.
// - wait() throws what the blocking form throws.
// - A Pending may be dropped at any time, which does not block. A send and an operation of all workers go on: the
// others
//   count on it, and the worker counts as ended when they are over (if it fails, so do they). A receive is withdrawn:
//   the message that it has got, or would have got, is the next one to be received.
// - Operations of all workers are run by one thread, which the worker is given with the first of them; sends to other
//   packs leave one at a time on one thread of the pack; receives need none.
#ifndef GUST_PENDING_H
#define GUST_PENDING_H

#include <cstddef>
#include <cstdint>
#include <gust/gust.h>
#include <gust/message.h>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace gust {

/// The result, to come, of a call that was started. To be moved, not copied; used by one thread at a time; to be waited
/// for or dropped before `work` returns.
template <class Value>
class Pending {
 public:
  /// Makes the value of what the call gave.
  using Adopt = Value (*)(const gust_api* api, const std::vector<gust_buffer*>& results, std::uint32_t sender);

  /// Of nothing: not valid().
  Pending() = default;
  /// Made by gust::Burst.
  Pending(gust_burst* burst, gust_request* request, std::size_t results, Adopt adopt)
      : burst_(burst), request_(request), results_(results), adopt_(adopt) {}
  Pending(Pending&& other) noexcept
      : burst_(other.burst_),
        request_(std::exchange(other.request_, nullptr)),
        results_(other.results_),
        adopt_(other.adopt_) {}
  Pending& operator=(Pending&& other) noexcept {
    Pending moved(std::move(other));
    std::swap(burst_, moved.burst_);
    std::swap(request_, moved.request_);
    std::swap(results_, moved.results_);
    std::swap(adopt_, moved.adopt_);
    return *this;
  }
  ~Pending() {
    if (request_ != nullptr) burst_->api->request_release(burst_, request_);
  }

  /// There is something to wait for: false once wait() has given it, and after a move.
  [[nodiscard]] bool valid() const { return request_ != nullptr; }

  /// True when wait() would not block: the call is over, well or not. Does not block; throws CommunicationError when
  /// not valid().
  [[nodiscard]] bool ready() const {
    gust_request* request = checked();
    return burst_->api->request_ready(burst_, request) != 0;
  }

  /// Blocks until the call is over, and gives what its blocking form gives, once. Throws TimedOut when `limit` is over
  /// first, naming whom it waits for: the call goes on then, and may be waited for again. Throws what the blocking form
  /// throws when the call has failed, and CommunicationError when not valid().
  Value wait(Limit limit = kNoLimit) {
    gust_request* request = checked();
    std::vector<gust_buffer*> results(results_);
    std::uint32_t sender = 0;
    const gust_status status = burst_->api->request_wait(burst_, request, results.data(), &sender, limit.count());
    if (status == GUST_TIMED_OUT) throw TimedOut(status, burst_->api->failure(burst_));
    if (status != GUST_OK) throw CommunicationError(status, burst_->api->failure(burst_));
    burst_->api->request_release(burst_, std::exchange(request_, nullptr));
    return adopt_(burst_->api, results, sender);
  }

 private:
  gust_request* checked() const {
    if (request_ == nullptr)
      throw CommunicationError(GUST_INVALID, "there is nothing to wait for: it was given before");
    return request_;
  }

  gust_burst* burst_ = nullptr;
  gust_request* request_ = nullptr;
  std::size_t results_ = 0;
  Adopt adopt_ = nullptr;
};

}  // namespace gust

#endif  // GUST_PENDING_H
