// gust::Burst: what a worker knows about the burst that it is part of.
//
// The problem: a burst is one program run by many workers at once, and each of them must know which share of the work
// is its own and who the others are. In bursts of Gust there is one more question, where the others are: workers come
// in packs, a pack is one process, and what one worker of a pack has read into memory all of it can use. So the usual
// pattern is that the leader of each pack does what is needed once a pack, and every worker takes its share:
//
//   gust::Json work(const gust::Json& params, gust::Burst& burst) {
//     const std::size_t items = params.at("items");
//     const std::size_t begin = items * burst.worker_id() / burst.burst_size();
//     const std::size_t end = items * (burst.worker_id() + 1) / burst.burst_size();
//     ...
//
// All of this is fixed before the first worker starts and never changes while it runs.
//
// Workers talk: one to one (send, recv), and all together (broadcast, reduce, gather, ...). Inside a pack a message is
// a pointer; between packs one message carries what concerns several workers of a pack, so the same program gets faster
// with larger packs.
//
//   const gust::Array<double> sum = burst.all_reduce<double>(my_values, gust::Sum());
//   burst.send(next, std::move(block));                      // a std::vector, handed over without a copy
//   const gust::Array<int> block = burst.recv<int>(previous);
//
// The rules of the operations of all workers: every worker of the burst calls the same ones, in the same order, each on
// one thread at a time. Calls block until what they need has happened, for at most `limit`. They throw gust::TimedOut,
// which names whom they waited for, or gust::CommunicationError, which names the worker that is gone and why; when the
// flare fails all of them do, at once. An operation of all workers that fails fails for all, and so do those after it;
// sending and receiving go on. A limit of 0 does not wait; no limit, or a longer one than the flare has left, is the
// flare's. A message that has begun to travel when its limit is over is sent to its end.
//
// Who owns what: data that is given is copied, unless it is moved, a Buffer or an Array, and the call has no further
// use for the caller's memory when it returns. What is received is constant and shared: it may be kept for as long as
// wanted, also after the call's other side has ended, and read by several threads. Any size will do, 0 included; a
// burst of one worker may call all of this, too. Each call has a form that does not wait: <gust/started.h>.
#ifndef GUST_BURST_H
#define GUST_BURST_H

#include <cstddef>
#include <cstdint>
#include <gust/calls.h>
#include <gust/gust.h>
#include <gust/message.h>
#include <gust/started.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace gust {

/// One worker's view of its burst. Belongs to the platform and lives until `work` returns; `work` gets a reference to
/// it and may hand that on to threads of its own, as long as they end before it does. All members may be called from
/// several threads at once, except the operations of all workers, which one thread calls at a time.
class Burst : public StartedCalls {
 public:
  /// Made by GUST_WORKER; `burst` must outlive this object.
  explicit Burst(gust_burst* burst) : StartedCalls(burst) {}
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;

  /// The name of this burst: 32 lower-case hex digits, the same for all of its workers and never used again. Good as
  /// a prefix for names in shared storage.
  [[nodiscard]] std::string_view burst_id() const { return burst_->burst_id; }

  /// This worker's number (its rank): 0 to burst_size() - 1. Worker i got the i-th element of the list of params.
  [[nodiscard]] std::uint32_t worker_id() const { return burst_->worker_id; }

  /// How many workers the whole burst has, at least 1.
  [[nodiscard]] std::uint32_t burst_size() const { return burst_->burst_size; }

  /// The number of the pack that this worker runs in: 0 to pack_count() - 1.
  [[nodiscard]] std::uint32_t pack_id() const { return burst_->pack_id; }

  /// How many workers this pack has, at least 1; packs of one burst may differ. They are the workers pack_leader() to
  /// pack_leader() + pack_size() - 1: packs are contiguous ranges of worker ids.
  [[nodiscard]] std::uint32_t pack_size() const { return burst_->pack_size; }

  /// How many packs the burst has, at least 1.
  [[nodiscard]] std::uint32_t pack_count() const { return burst_->pack_count; }

  /// The pack that `worker` runs in: equal to pack_id() for exactly the workers that share this one's memory. Takes
  /// time logarithmic in pack_count(). Throws std::out_of_range when there is no such worker.
  [[nodiscard]] std::uint32_t pack_of(std::uint32_t worker) const {
    if (worker >= burst_size()) {
      throw std::out_of_range("there is no worker " + std::to_string(worker) + ": this burst has the workers 0 to " +
                              std::to_string(burst_size() - 1));
    }
    return burst_->api->pack_of(burst_, worker);
  }

  /// The lowest worker id of this pack.
  [[nodiscard]] std::uint32_t pack_leader() const { return burst_->pack_leader; }

  /// True for exactly one worker of each pack, the one with the lowest id: for what is to be done once a pack.
  [[nodiscard]] bool is_leader() const { return worker_id() == pack_leader(); }

  /// The index of the machine (its invoker) that hosts this pack. Packs with the same number are on one machine.
  [[nodiscard]] std::uint32_t invoker_id() const { return burst_->invoker_id; }

  // One to one

  /// Sends to a worker (also to itself). Messages from one worker to another arrive in the order in which they were
  /// sent. Returns when the message is on its way; waits only while the receiver has very much that it has not
  /// received. A vector that is moved, a Buffer and an Array are not copied, the elements of any other container are.
  void send(std::uint32_t to, const Buffer& data, Limit limit = kNoLimit) const {
    check(api().send(burst_, to, data.get(), limit.count()));
  }
  template <class T>
  void send(std::uint32_t to, const Array<T>& values, Limit limit = kNoLimit) const {
    send(to, values.buffer(), limit);
  }
  template <class T>
  void send(std::uint32_t to, std::vector<T>&& values, Limit limit = kNoLimit) const {
    send(to, take(std::move(values)), limit);
  }
  template <class Container,
            class T = std::remove_cv_t<std::remove_pointer_t<decltype(std::declval<Container>().data())>>>
  void send(std::uint32_t to, const Container& values, Limit limit = kNoLimit) const {
    send(to, copy<T>(values), limit);
  }
  template <class T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  void send(std::uint32_t to, T value, Limit limit = kNoLimit) const {
    send(to, copy<T>(View<T>(value)), limit);
  }

  /// The next message of `from`. `T` must be what was sent.
  template <class T = std::byte>
  Array<T> recv(std::uint32_t from, Limit limit = kNoLimit) const {
    return receive<T>(from, limit).values;
  }
  /// Whatever arrived first, from any worker.
  template <class T = std::byte>
  Message<T> recv_any(Limit limit = kNoLimit) const {
    return receive<T>(GUST_ANY, limit);
  }
  /// The next message of `from` if it has arrived; does not wait.
  template <class T = std::byte>
  std::optional<Array<T>> try_recv(std::uint32_t from) const {
    try {
      return recv<T>(from, Limit(0));
    } catch (const TimedOut&) {
      return std::nullopt;
    }
  }

  // All together

  /// Returns when all workers have called it.
  void barrier(Limit limit = kNoLimit) const { check(api().barrier(burst_, limit.count())); }

  /// Gives every worker what `root` brings; what others bring is not looked at.
  template <class T>
  Array<T> broadcast(std::uint32_t root, View<T> values = {}, Limit limit = kNoLimit) const {
    gust_buffer* result = nullptr;
    const Buffer mine = worker_id() == root ? copy<T>(values) : Buffer();
    check(api().broadcast(burst_, root, mine.get(), &result, limit.count()));
    return Array<T>(&api(), Buffer(&api(), result));
  }

  /// Combines the i-th elements of all workers, for each i; all bring equally many. `root` gets the result, others get
  /// an empty array. The operator is applied from the left in the order of worker ids, so the result is the same,
  /// to the last bit, for every packing.
  template <class T, class Operator>
  Array<T> reduce(std::uint32_t root, View<T> values, Operator op, Limit limit = kNoLimit) const {
    gust_buffer* result = nullptr;
    check(api().reduce(burst_, root, values.data(), values.size(), sizeof(T), combine<T, Operator>, &op, &result,
                       limit.count()));
    return Array<T>(&api(), Buffer(&api(), result));
  }
  /// The same with the result for every worker.
  template <class T, class Operator>
  Array<T> all_reduce(View<T> values, Operator op, Limit limit = kNoLimit) const {
    return reduce<T>(GUST_ALL, values, op, limit);
  }

  /// Gives `root` what each worker brings, by worker id; of any sizes. Others get nothing.
  template <class T>
  std::vector<Array<T>> gather(std::uint32_t root, View<T> values, Limit limit = kNoLimit) const {
    std::vector<gust_buffer*> results(gathered(root));
    const Buffer mine = copy<T>(values);
    check(api().gather(burst_, root, mine.get(), results.data(), limit.count()));
    return detail::to_arrays<T>(&api(), results, 0);
  }
  /// The same with the result for every worker.
  template <class T>
  std::vector<Array<T>> all_gather(View<T> values, Limit limit = kNoLimit) const {
    return gather<T>(GUST_ALL, values, limit);
  }

  /// Gives worker i the i-th of root's `parts`, of any sizes; what others bring is not looked at.
  template <class T>
  Array<T> scatter(std::uint32_t root, std::vector<std::vector<T>> parts = {}, Limit limit = kNoLimit) const {
    gust_buffer* result = nullptr;
    if (worker_id() == root) check_parts(parts.size());
    const std::vector<Buffer> mine = take(std::move(parts));
    check(api().scatter(burst_, root, pointers(mine).data(), &result, limit.count()));
    return Array<T>(&api(), Buffer(&api(), result));
  }

  /// Gives worker i the i-th of every worker's `parts`, by worker id; of any sizes.
  template <class T>
  std::vector<Array<T>> all_to_all(std::vector<std::vector<T>> parts, Limit limit = kNoLimit) const {
    check_parts(parts.size());
    std::vector<gust_buffer*> results(burst_size());
    const std::vector<Buffer> mine = take(std::move(parts));
    check(api().all_to_all(burst_, pointers(mine).data(), results.data(), limit.count()));
    return detail::to_arrays<T>(&api(), results, 0);
  }

  // The pack's own

  /// `count` elements that all workers of this pack that name the same key share: zero at first, there until the pack
  /// ends. Who writes and who reads when is the workers' business, for example with a barrier between. Throws
  /// CommunicationError when there is no memory, or when it was asked for with another size before.
  template <class T>
  T* shared(std::string_view key, std::size_t count) const {
    static_assert(std::is_trivial_v<T>, "shared memory begins as zeros, and nothing is constructed in it");
    void* memory = api().shared(burst_, key.data(), key.size(), count * sizeof(T));
    if (memory == nullptr) check(GUST_NO_MEMORY);
    return static_cast<T*>(memory);
  }

  /// What this pack has sent until now.
  [[nodiscard]] gust_traffic traffic() const {
    gust_traffic traffic{};
    api().traffic(burst_, &traffic);
    return traffic;
  }

 private:
  template <class T>
  Message<T> receive(std::uint32_t from, Limit limit) const {
    gust_buffer* data = nullptr;
    Message<T> message;
    check(api().recv(burst_, from, &data, &message.from, limit.count()));
    message.values = Array<T>(&api(), Buffer(&api(), data));
    return message;
  }
};

}  // namespace gust

#endif  // GUST_BURST_H
