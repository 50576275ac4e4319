// What workers send each other, as C++ types: gust::Buffer (bytes), gust::Array<T> (numbers), and the errors.
//
// The problem: workers of one pack share memory, so sending a gigabyte to a neighbour should cost what sending a
// pointer costs; and the same program must work when the neighbour is on another machine. So messages are constant and
// reference counted: whoever receives one may keep it, pass it on, and read it for as long as wanted, and nobody
// copies.
#ifndef GUST_MESSAGE_H
#define GUST_MESSAGE_H

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <gust/gust.h>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace gust {

/// A call to other workers failed. what() names the worker and the cause.
class CommunicationError : public std::runtime_error {
 public:
  CommunicationError(gust_status status, const std::string& what) : std::runtime_error(what), status_(status) {}
  [[nodiscard]] gust_status status() const { return status_; }

 private:
  gust_status status_;
};

/// The time limit of a call passed; what() names whom it waited for.
class TimedOut : public CommunicationError {
 public:
  using CommunicationError::CommunicationError;
};

/// How long a call may take. Without one: as long as the flare may run.
using Limit = std::chrono::microseconds;
inline constexpr Limit kNoLimit{GUST_NO_LIMIT};

/// Constant bytes, shared by all copies of this object; cheap to copy. Empty by default.
class Buffer {
 public:
  Buffer() = default;
  /// Takes over one reference.
  Buffer(const gust_api* api, gust_buffer* raw) : api_(api), raw_(raw) {}
  Buffer(const Buffer& other) : api_(other.api_), raw_(other.raw_) {
    if (raw_ != nullptr) api_->buffer_retain(raw_);
  }
  Buffer(Buffer&& other) noexcept : api_(other.api_), raw_(std::exchange(other.raw_, nullptr)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(api_, other.api_);
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Buffer() {
    if (raw_ != nullptr) api_->buffer_release(raw_);
  }

  [[nodiscard]] const std::byte* data() const {
    return raw_ == nullptr ? nullptr : static_cast<const std::byte*>(api_->buffer_data(raw_));
  }
  [[nodiscard]] std::size_t size() const { return raw_ == nullptr ? 0 : api_->buffer_size(raw_); }
  [[nodiscard]] gust_buffer* get() const { return raw_; }

  /// A copy of `size` bytes. Throws std::bad_alloc.
  static Buffer copy(const gust_api* api, const void* data, std::size_t size) {
    gust_buffer* raw = api->buffer_new(size);
    if (raw == nullptr) throw std::bad_alloc();
    if (size > 0) std::memcpy(api->buffer_data(raw), data, size);
    return {api, raw};
  }

  /// The elements of a vector, without a copy.
  template <class T>
  static Buffer take(const gust_api* api, std::vector<T>&& values) {
    auto* owner = new std::vector<T>(std::move(values));
    gust_buffer* raw = api->buffer_wrap(
        owner->data(), owner->size() * sizeof(T), [](void* vector) { delete static_cast<std::vector<T>*>(vector); },
        owner);
    if (raw != nullptr) return {api, raw};
    delete owner;
    throw std::bad_alloc();
  }

 private:
  const gust_api* api_ = nullptr;
  gust_buffer* raw_ = nullptr;
};

/// Constant numbers (or other trivially copyable things), shared by all copies of this object; cheap to copy.
template <class T>
class Array {
  static_assert(std::is_trivially_copyable_v<T>, "only plain values can travel: numbers, and structs of them");

 public:
  using value_type = T;

  Array() = default;
  /// Throws CommunicationError when the bytes are not whole elements: then something else was sent.
  Array(const gust_api* api, Buffer buffer) : buffer_(std::move(buffer)) {
    if (buffer_.size() % sizeof(T) != 0) {
      throw CommunicationError(GUST_INVALID, "a message of " + std::to_string(buffer_.size()) +
                                                 " bytes is no array of elements of " + std::to_string(sizeof(T)) +
                                                 " bytes; send and receive the same type");
    }
    // Parts of what came from another pack in one message can begin anywhere.
    if (reinterpret_cast<std::uintptr_t>(buffer_.data()) % alignof(T) != 0) {
      buffer_ = Buffer::copy(api, buffer_.data(), buffer_.size());
    }
  }

  [[nodiscard]] const T* data() const { return reinterpret_cast<const T*>(buffer_.data()); }
  [[nodiscard]] std::size_t size() const { return buffer_.size() / sizeof(T); }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] const T* begin() const { return data(); }
  [[nodiscard]] const T* end() const { return data() + size(); }
  [[nodiscard]] const T& operator[](std::size_t i) const { return data()[i]; }
  [[nodiscard]] const T& front() const { return data()[0]; }
  [[nodiscard]] std::vector<T> to_vector() const { return std::vector<T>(begin(), end()); }
  [[nodiscard]] const Buffer& buffer() const { return buffer_; }

 private:
  Buffer buffer_;
};

/// A look at somebody's elements for the time of a call: any container with data() and size(), or a single element.
template <class T>
class View {
 public:
  View() = default;
  View(const T* data, std::size_t size) : data_(data), size_(size) {}
  View(const T& value) : data_(&value), size_(1) {}  // NOLINT(google-explicit-constructor): that is its purpose
  template <class Container, class = decltype(static_cast<const T*>(std::declval<const Container&>().data()))>
  View(const Container& values) : data_(values.data()), size_(values.size()) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  const T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A message and who sent it.
template <class T>
struct Message {
  std::uint32_t from = 0;
  Array<T> values;
};

/// Operators for reductions. Any other that takes two elements and gives one will do, too; it has to be associative,
/// and must not throw.
struct Sum {
  template <class T>
  T operator()(const T& a, const T& b) const {
    return static_cast<T>(a + b);
  }
};
struct Product {
  template <class T>
  T operator()(const T& a, const T& b) const {
    return static_cast<T>(a * b);
  }
};
struct Min {
  template <class T>
  T operator()(const T& a, const T& b) const {
    return std::min(a, b);
  }
};
struct Max {
  template <class T>
  T operator()(const T& a, const T& b) const {
    return std::max(a, b);
  }
};

}  // namespace gust

#endif  // GUST_MESSAGE_H
