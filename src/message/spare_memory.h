// Memory of large buffers, kept for the next ones. A page that is touched for the first time costs the kernel about a
// microsecond, in a virtual machine three: a gigabyte that is received into new memory every time takes longer to be
// got than to be sent.
#pragma once

#include <cstddef>

namespace gust::message {

/// From this size on: smaller blocks malloc keeps as well.
inline constexpr std::size_t kLargeBytes = std::size_t{256} << 10;

/// A block from the kernel or from what was given back, page-aligned; its contents are anything.
struct LargeBlock {
  std::byte* data = nullptr;  ///< null when there is no memory
  std::size_t capacity = 0;
};

/// Thread-safe. At least `bytes`.
LargeBlock take_large(std::size_t bytes);

/// Gives it back. What is kept is bounded, and all but a little of it is marked so that the kernel takes it before a
/// container runs out of memory. Thread-safe.
void give_large(LargeBlock block);

}  // namespace gust::message
