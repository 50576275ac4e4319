// Memory that messages are made of: reference counted, so that workers of one pack hand it over by pointer.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <gust/gust.h>
#include <span>
#include <utility>

/// The C ABI's buffer. Its bytes are constant from the moment on that somebody else may hold a reference.
struct gust_buffer {
  std::atomic<std::uint32_t> references = 1;
  std::byte* data = nullptr;
  std::size_t size = 0;
  gust_buffer* parent = nullptr;             // a part of this one keeps it alive
  void (*release)(void* context) = nullptr;  // memory that somebody else made
  void* context = nullptr;
};

namespace gust::message {

using Piece = std::span<const std::byte>;

/// One reference to a gust_buffer; null for none. Copies share the memory. As thread-safe as a shared_ptr.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer& other) : raw_(other.raw_) {
    if (raw_ != nullptr) raw_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Buffer(Buffer&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Buffer() { reset(); }

  /// Memory that is not initialised, aligned for any fundamental type; null when there is not so much.
  static Buffer make(std::size_t size);
  static Buffer copy_of(Piece bytes);
  /// The caller's memory; `release(context)` is called when nobody needs it any more, on any thread.
  static Buffer wrap(std::byte* data, std::size_t size, void (*release)(void*), void* context);
  /// Takes over the caller's reference, or gives this one's away: for the C ABI.
  static Buffer adopt(gust_buffer* raw) {
    Buffer buffer;
    buffer.raw_ = raw;
    return buffer;
  }
  static Buffer share(gust_buffer* raw) {
    if (raw != nullptr) raw->references.fetch_add(1, std::memory_order_relaxed);
    return adopt(raw);
  }
  [[nodiscard]] gust_buffer* release() { return std::exchange(raw_, nullptr); }

  /// A part of this one, without a copy.
  [[nodiscard]] Buffer part(std::size_t offset, std::size_t size) const;

  void reset();
  [[nodiscard]] explicit operator bool() const { return raw_ != nullptr; }
  [[nodiscard]] std::size_t size() const { return raw_ == nullptr ? 0 : raw_->size; }
  [[nodiscard]] Piece bytes() const { return raw_ == nullptr ? Piece() : Piece(raw_->data, raw_->size); }
  /// For the one who made it, before anybody else has it.
  [[nodiscard]] std::byte* writable() const { return raw_->data; }

 private:
  static Buffer make_large(std::size_t size);

  gust_buffer* raw_ = nullptr;
};

}  // namespace gust::message
