// A stream of bytes from one process to another of the same host, in memory that both have mapped: what is written is
// copied once in and once out, without a system call for as long as neither end has to wait.
//
// The memory is a memfd that the writer makes and the reader is given. Each end keeps its own position to itself and
// shares it; what the other end shares is checked, because user code of its process can write there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/fd.h"
#include "base/result.h"

namespace gust::transport {

/// What is copied before the other end learns of it, so that both copy at the same time.
inline constexpr std::size_t kRingStep = std::size_t{64} << 10;
inline constexpr std::size_t kMostRingBytes = std::size_t{1} << 30;

/// Memory that is mapped; what both kinds of end have in common.
class RingMemory {
 public:
  struct Shared;

  RingMemory() = default;
  RingMemory(RingMemory&& other) noexcept;
  RingMemory& operator=(RingMemory&& other) noexcept;
  RingMemory(const RingMemory&) = delete;
  RingMemory& operator=(const RingMemory&) = delete;
  ~RingMemory();

  static Result<RingMemory> map(int fd, std::size_t capacity);

  [[nodiscard]] Shared& shared() const { return *shared_; }
  [[nodiscard]] std::byte* data() const;
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] explicit operator bool() const { return shared_ != nullptr; }

 private:
  Shared* shared_ = nullptr;
  std::size_t capacity_ = 0;
};

/// Only one thread at a time.
class RingWriter {
 public:
  RingWriter() = default;
  /// `capacity` is a power of two and at least a page. kUnavailable when there is no such memory.
  static Result<RingWriter> make(std::size_t capacity);

  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(memory_); }
  [[nodiscard]] std::uint32_t capacity() const { return static_cast<std::uint32_t>(memory_.capacity()); }
  /// For the reader; can be closed when the reader has it.
  [[nodiscard]] int fd() const { return fd_.get(); }
  void close_fd() { fd_.reset(); }

  /// Copies as much as there is room for, at most kRingStep; 0 when there is none. The reader sees it after publish().
  /// kInvalid when the reader says that it has read what is not there.
  Result<std::size_t> write(std::span<const std::byte> bytes);
  /// True when the reader sleeps and is to be woken.
  [[nodiscard]] bool publish();
  /// Before sleeping: false when there is room after all.
  [[nodiscard]] bool begin_wait();

 private:
  RingMemory memory_;
  UniqueFd fd_;
  std::uint64_t written_ = 0;
};

/// Only one thread at a time.
class RingReader {
 public:
  RingReader() = default;
  /// `fd` may be anything. kInvalid when it is no ring of this capacity that keeps its size; kUnavailable when it
  /// cannot be mapped.
  static Result<RingReader> open(const UniqueFd& fd, std::size_t capacity);

  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(memory_); }
  [[nodiscard]] std::size_t capacity() const { return memory_.capacity(); }
  /// Copies what is there, at most kRingStep; 0 when nothing is. kInvalid when the writer says that it has written more
  /// than there is room for.
  Result<std::size_t> read(std::span<std::byte> to);
  /// True when the writer sleeps and there is enough room to wake it for.
  [[nodiscard]] bool owes_wake();
  /// Looks for a few microseconds whether something comes.
  [[nodiscard]] bool look() const;
  /// Before sleeping: false when something is there after all.
  [[nodiscard]] bool begin_wait();

 private:
  RingMemory memory_;
  std::uint64_t read_ = 0;
};

}  // namespace gust::transport
