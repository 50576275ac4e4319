// Ids are types of their own, so that a pack's number is never taken for a worker's.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace gust {

/// A number that names one thing of kind Tag. Ordered and hashable; nothing else is meant to be done with it.
template <class Tag>
class NumberId {
 public:
  constexpr NumberId() = default;
  constexpr explicit NumberId(std::uint32_t value) : value_(value) {}
  [[nodiscard]] constexpr std::uint32_t value() const { return value_; }
  constexpr auto operator<=>(const NumberId&) const = default;

 private:
  std::uint32_t value_ = 0;
};

/// 32 lower-case hex digits that name one thing of kind Tag, as OpenWhisk writes activation ids.
template <class Tag>
class HexId {
 public:
  static constexpr std::size_t kLength = 32;

  HexId() = default;
  explicit HexId(std::string_view text) : text_(text) {}
  [[nodiscard]] const std::string& str() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  auto operator<=>(const HexId&) const = default;

 private:
  std::string text_;
};

using PackId = NumberId<struct PackTag>;        ///< index of a pack in its flare, from 0
using WorkerId = NumberId<struct WorkerTag>;    ///< index of a worker in its flare, from 0
using InvokerId = NumberId<struct InvokerTag>;  ///< index of an invoker in its controller, from 0

/// One activation: what OpenWhisk's clients poll. A flare has one for each pack.
using ActivationId = HexId<struct ActivationTag>;
/// One flare. Its text is that of the activation of its first pack, so that either id finds it.
using FlareId = HexId<struct FlareTag>;

/// True for exactly 32 lower-case hex digits.
bool is_hex_id(std::string_view text);

/// 32 random lower-case hex digits (from the kernel's generator).
std::string random_hex_id();

/// A half-open range of worker ids [first, first + count): packs are contiguous, so that reductions can keep the
/// order of worker ids whatever the packing.
struct WorkerRange {
  WorkerId first;
  std::uint32_t count = 0;

  [[nodiscard]] constexpr std::uint32_t end() const { return first.value() + count; }
  [[nodiscard]] constexpr bool contains(WorkerId id) const { return id >= first && id.value() < end(); }
  constexpr auto operator<=>(const WorkerRange&) const = default;
};

}  // namespace gust

template <class Tag>
struct std::hash<gust::NumberId<Tag>> {
  std::size_t operator()(gust::NumberId<Tag> id) const noexcept { return std::hash<std::uint32_t>()(id.value()); }
};

template <class Tag>
struct std::hash<gust::HexId<Tag>> {
  std::size_t operator()(const gust::HexId<Tag>& id) const noexcept { return std::hash<std::string>()(id.str()); }
};
