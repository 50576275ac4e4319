// Memory of the launcher that none of its containers inherits: for what users gave.
#pragma once

#include <cstddef>
#include <span>
#include <sys/mman.h>

#include "base/check.h"

namespace gust::container {

/// A container that is forked finds a hole where this is (MADV_DONTFORK).
class PrivateMemory {
 public:
  explicit PrivateMemory(std::size_t size) {
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    GUST_CHECK(memory != MAP_FAILED && madvise(memory, size, MADV_DONTFORK) == 0, "memory for packets");
    bytes_ = {static_cast<char*>(memory), size};
  }
  ~PrivateMemory() { munmap(bytes_.data(), bytes_.size()); }
  PrivateMemory(const PrivateMemory&) = delete;
  PrivateMemory& operator=(const PrivateMemory&) = delete;

  [[nodiscard]] std::span<char> bytes() const { return bytes_; }

 private:
  std::span<char> bytes_;
};

}  // namespace gust::container
