// The contents of the messages that a communication benchmark sends: known to both sides without having travelled, and
// different for each message, so that a byte that is wrong, late or somebody else's is seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace gust::bench {

/// What tells one message of a run from all others.
struct MessageName {
  std::uint32_t iteration = 0;
  std::uint32_t from = 0;
  std::uint32_t to = 0;
};

/// The words of one message, eight bytes each, as they follow each other; of the last only the beginning may be needed.
class Pattern {
 public:
  explicit Pattern(const MessageName& name)
      : word_(mix(mix(mix(name.iteration + kStep) ^ name.from) ^ std::uint64_t{name.to} << 32)) {}

  void fill(std::byte* to, std::size_t size) {
    for (; size >= sizeof word_; to += sizeof word_, size -= sizeof word_) {
      std::memcpy(to, &word_, sizeof word_);
      word_ += kStep;
    }
    if (size > 0) std::memcpy(to, &word_, size);
  }

  /// Where the first byte stands that differs.
  std::optional<std::size_t> first_wrong(const std::byte* data, std::size_t size) {
    const std::byte* at = data;
    for (std::size_t left = size; left > 0;) {
      const std::size_t some = left < sizeof word_ ? left : sizeof word_;
      if (std::memcmp(at, &word_, some) != 0) {
        const auto* expected = reinterpret_cast<const std::byte*>(&word_);
        std::size_t byte = 0;
        while (at[byte] == expected[byte]) ++byte;
        return static_cast<std::size_t>(at - data) + byte;
      }
      word_ += kStep;
      at += some;
      left -= some;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::uint64_t kStep =
      0x9E3779B97F4A7C15;  // 2^64 / the golden ratio: no two words of a message are equal

  // The finaliser of splitmix64.
  static constexpr std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  }

  std::uint64_t word_;
};

}  // namespace gust::bench
