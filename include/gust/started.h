// The calls of gust::Burst that do not wait: each starts what the member without start_ does, and gives a
// gust::Pending. Their contract stands in <gust/pending.h>.
#ifndef GUST_STARTED_H
#define GUST_STARTED_H

#include <cstddef>
#include <cstdint>
#include <gust/calls.h>
#include <gust/gust.h>
#include <gust/message.h>
#include <gust/pending.h>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace gust {

/// A part of gust::Burst. Nothing here blocks. What is wrong at once throws at once: CommunicationError for a worker
/// that does not exist or has ended, or parts that do not fit; all else throws in Pending::wait(). `limit` is the whole
/// operation's, from its start, and one that takes longer fails for all workers; sends and receives may take as long as
/// the flare.
class StartedCalls : protected detail::Calls {
 public:
  // One to one

  /// As Burst::send. Over when the message is on its way: at once inside a pack, unless the receiver has very much that
  /// it has not received. What is not waited for is sent all the same, in memory that nobody bounds but the sender.
  Pending<void> start_send(std::uint32_t to, const Buffer& data) const {
    gust_request* request = nullptr;
    check(start_api().start_send(burst_, to, data.get(), &request));
    return {burst_, request, 0, detail::to_nothing};
  }
  template <class T>
  Pending<void> start_send(std::uint32_t to, const Array<T>& values) const {
    return start_send(to, values.buffer());
  }
  template <class T>
  Pending<void> start_send(std::uint32_t to, std::vector<T>&& values) const {
    return start_send(to, take(std::move(values)));
  }
  template <class Container,
            class T = std::remove_cv_t<std::remove_pointer_t<decltype(std::declval<Container>().data())>>>
  Pending<void> start_send(std::uint32_t to, const Container& values) const {
    return start_send(to, copy<T>(values));
  }
  template <class T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  Pending<void> start_send(std::uint32_t to, T value) const {
    return start_send(to, copy<T>(View<T>(value)));
  }

  /// As Burst::recv.
  template <class T = std::byte>
  [[nodiscard]] Pending<Array<T>> start_recv(std::uint32_t from) const {
    return {burst_, start_receive(from), 1, detail::to_array<T>};
  }
  /// As Burst::recv_any.
  template <class T = std::byte>
  [[nodiscard]] Pending<Message<T>> start_recv_any() const {
    return {burst_, start_receive(GUST_ANY), 1, detail::to_message<T>};
  }

  // All together

  Pending<void> start_barrier(Limit limit = kNoLimit) const {
    gust_request* request = nullptr;
    check(start_api().start_barrier(burst_, limit.count(), &request));
    return {burst_, request, 0, detail::to_nothing};
  }

  template <class T>
  Pending<Array<T>> start_broadcast(std::uint32_t root, View<T> values = {}, Limit limit = kNoLimit) const {
    gust_request* request = nullptr;
    const Buffer mine = burst_->worker_id == root ? copy<T>(values) : Buffer();
    check(start_api().start_broadcast(burst_, root, mine.get(), limit.count(), &request));
    return {burst_, request, 1, detail::to_array<T>};
  }

  /// The operator is moved to where it lives as long as the operation does.
  template <class T, class Operator>
  Pending<Array<T>> start_reduce(std::uint32_t root, View<T> values, Operator op, Limit limit = kNoLimit) const {
    gust_request* request = nullptr;
    const Buffer mine = copy<T>(values);
    auto owned = std::make_unique<Operator>(std::move(op));
    const auto release = [](void* context) { delete static_cast<Operator*>(context); };
    check(start_api().start_reduce(burst_, root, mine.get(), sizeof(T), combine<T, Operator>, owned.release(), release,
                                   limit.count(), &request));
    return {burst_, request, 1, detail::to_array<T>};
  }
  template <class T, class Operator>
  Pending<Array<T>> start_all_reduce(View<T> values, Operator op, Limit limit = kNoLimit) const {
    return start_reduce<T>(GUST_ALL, values, std::move(op), limit);
  }

  template <class T>
  Pending<std::vector<Array<T>>> start_gather(std::uint32_t root, View<T> values, Limit limit = kNoLimit) const {
    gust_request* request = nullptr;
    const Buffer mine = copy<T>(values);
    check(start_api().start_gather(burst_, root, mine.get(), limit.count(), &request));
    return {burst_, request, gathered(root), detail::to_arrays<T>};
  }
  template <class T>
  Pending<std::vector<Array<T>>> start_all_gather(View<T> values, Limit limit = kNoLimit) const {
    return start_gather<T>(GUST_ALL, values, limit);
  }

  template <class T>
  Pending<Array<T>> start_scatter(std::uint32_t root, std::vector<std::vector<T>> parts = {},
                                  Limit limit = kNoLimit) const {
    gust_request* request = nullptr;
    if (burst_->worker_id == root) check_parts(parts.size());
    const std::vector<Buffer> mine = take(std::move(parts));
    check(start_api().start_scatter(burst_, root, pointers(mine).data(), limit.count(), &request));
    return {burst_, request, 1, detail::to_array<T>};
  }

  template <class T>
  Pending<std::vector<Array<T>>> start_all_to_all(std::vector<std::vector<T>> parts, Limit limit = kNoLimit) const {
    check_parts(parts.size());
    gust_request* request = nullptr;
    const std::vector<Buffer> mine = take(std::move(parts));
    check(start_api().start_all_to_all(burst_, pointers(mine).data(), limit.count(), &request));
    return {burst_, request, burst_->burst_size, detail::to_arrays<T>};
  }

 protected:
  using Calls::Calls;

 private:
  gust_request* start_receive(std::uint32_t from) const {
    gust_request* request = nullptr;
    check(start_api().start_recv(burst_, from, &request));
    return request;
  }
};

}  // namespace gust

#endif  // GUST_STARTED_H
