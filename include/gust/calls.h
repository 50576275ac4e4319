// What gust::Burst's members have in common: from C++ values to the C ABI and back. Not for users.
#ifndef GUST_CALLS_H
#define GUST_CALLS_H

#include <cstddef>
#include <cstdint>
#include <gust/gust.h>
#include <gust/message.h>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace gust::detail {

/// What calls give, made of the C ABI's references, which are taken over.
template <class T>
Array<T> to_array(const gust_api* api, const std::vector<gust_buffer*>& results, std::uint32_t /*sender*/) {
  return Array<T>(api, Buffer(api, results.front()));
}

template <class T>
Message<T> to_message(const gust_api* api, const std::vector<gust_buffer*>& results, std::uint32_t sender) {
  return {sender, to_array<T>(api, results, sender)};
}

template <class T>
std::vector<Array<T>> to_arrays(const gust_api* api, const std::vector<gust_buffer*>& results,
                                std::uint32_t /*sender*/) {
  std::vector<Buffer> buffers;
  buffers.reserve(results.size());
  for (gust_buffer* result : results) buffers.emplace_back(api, result);
  std::vector<Array<T>> arrays;
  arrays.reserve(results.size());
  for (Buffer& buffer : buffers) arrays.emplace_back(api, std::move(buffer));
  return arrays;
}

inline void to_nothing(const gust_api* /*api*/, const std::vector<gust_buffer*>& /*results*/,
                       std::uint32_t /*sender*/) {}

class Calls {
 protected:
  explicit Calls(gust_burst* burst) : burst_(burst) {}

  const gust_api& api() const { return newer_than(offsetof(gust_api, traffic), "messages between workers"); }
  /// With the calls that do not wait.
  const gust_api& start_api() const {
    return newer_than(offsetof(gust_api, request_release), "calls that do not wait");
  }

  void check(gust_status status) const {
    if (status == GUST_OK) return;
    if (status == GUST_TIMED_OUT) throw TimedOut(status, burst_->api->failure(burst_));
    throw CommunicationError(status, burst_->api->failure(burst_));
  }

  void check_parts(std::size_t parts) const {
    if (parts == burst_->burst_size) return;
    throw CommunicationError(GUST_INVALID, std::to_string(parts) + " parts for " + std::to_string(burst_->burst_size) +
                                               " workers; give one for each");
  }

  template <class T>
  Buffer copy(View<T> values) const {
    static_assert(std::is_trivially_copyable_v<T>, "only plain values can travel: numbers, and structs of them");
    return Buffer::copy(&api(), values.data(), values.size() * sizeof(T));
  }

  template <class T>
  Buffer take(std::vector<T>&& values) const {
    static_assert(std::is_trivially_copyable_v<T>, "only plain values can travel: numbers, and structs of them");
    return Buffer::take(&api(), std::move(values));
  }

  template <class T>
  std::vector<Buffer> take(std::vector<std::vector<T>>&& parts) const {
    std::vector<Buffer> buffers;
    buffers.reserve(parts.size());
    for (std::vector<T>& part : parts) buffers.push_back(take(std::move(part)));
    return buffers;
  }

  static std::vector<gust_buffer*> pointers(const std::vector<Buffer>& buffers) {
    std::vector<gust_buffer*> raw;
    raw.reserve(buffers.size());
    for (const Buffer& buffer : buffers) raw.push_back(buffer.get());
    return raw;
  }

  /// How many workers' parts this one gets of a gather.
  std::size_t gathered(std::uint32_t root) const {
    return root == GUST_ALL || root == burst_->worker_id ? burst_->burst_size : 0;
  }

  /// A gust_combine whose context is an Operator.
  template <class T, class Operator>
  static void combine(void* context, void* into, const void* from, std::size_t count) noexcept {
    const Operator& apply = *static_cast<const Operator*>(context);
    for (std::size_t i = 0; i < count; ++i) {
      static_cast<T*>(into)[i] = apply(static_cast<const T*>(into)[i], static_cast<const T*>(from)[i]);
    }
  }

  gust_burst* burst_;

 private:
  const gust_api& newer_than(std::size_t last_member, const char* what) const {
    if (burst_->api->size <= last_member) {
      throw std::runtime_error(std::string("this Gust is too old for ") + what + "; install the one of these headers");
    }
    return *burst_->api;
  }
};

}  // namespace gust::detail

#endif  // GUST_CALLS_H
