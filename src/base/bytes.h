// A count of bytes, as a type, with the units that people write.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust {

class Bytes {
 public:
  constexpr Bytes() = default;
  constexpr explicit Bytes(std::uint64_t count) : count_(count) {}
  /// OpenWhisk's "MB": 1024 * 1024 bytes.
  static constexpr Bytes mb(std::uint64_t count) { return Bytes(count << 20); }

  [[nodiscard]] constexpr std::uint64_t count() const { return count_; }
  /// Whole MB, rounded down.
  [[nodiscard]] constexpr std::uint64_t in_mb() const { return count_ >> 20; }
  constexpr auto operator<=>(const Bytes&) const = default;

  constexpr Bytes& operator+=(Bytes other) {
    count_ += other.count_;
    return *this;
  }
  constexpr Bytes& operator-=(Bytes other) {
    count_ -= other.count_;
    return *this;
  }
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return a += b; }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return a -= b; }
  friend constexpr Bytes operator*(Bytes a, std::uint64_t n) { return Bytes(a.count_ * n); }

 private:
  std::uint64_t count_ = 0;
};

/// "512 MB", "1.5 GB", "17 bytes": at most one decimal, powers of 1024.
std::string to_string(Bytes bytes);

/// Reads "512MB", "1 MiB", "64k", "4096" (powers of 1024, any case).
Result<Bytes> parse_bytes(std::string_view text);

}  // namespace gust
