// Memory touched ahead, by who waits for a flare: pages that are there then need not be asked for, one after the other,
// in the middle of a start.
#pragma once

#include <cstddef>
#include <cstdlib>

namespace gust::pack {

inline constexpr std::size_t kTouchedPage = 4096;

/// So much of the stack below the caller's frame.
template <std::size_t Size>
[[gnu::noinline]] void touch_stack() {
  [[maybe_unused]] volatile std::byte stack[Size];
  for (std::size_t at = 0; at < Size; at += kTouchedPage) stack[at] = std::byte{};
}

/// So much of what malloc gives out next to this thread, and the thread's arena with it. `bytes` is below what malloc
/// maps separately (128 KiB).
inline void touch_heap(std::size_t bytes) {
  auto* const block = static_cast<volatile std::byte*>(std::malloc(bytes));
  for (std::size_t at = 0; block != nullptr && at < bytes; at += kTouchedPage) block[at] = std::byte{};
  std::free(const_cast<std::byte*>(block));
}

}  // namespace gust::pack
