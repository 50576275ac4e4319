#include "container/launcher/births.h"

#include <cerrno>
#include <sys/mman.h>

#include "base/check.h"

namespace gust::container {
namespace {

/// More than the kernel has process ids for by default. Only the pages that are used become memory.
constexpr std::size_t kMost = std::size_t{1} << 16;

}  // namespace

Births::Births() {
  void* memory =
      mmap(nullptr, kMost * sizeof(Birth), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  GUST_CHECK(memory != MAP_FAILED, "address space for what new processes tell");
  all_ = {static_cast<Birth*>(memory), kMost};
}

Births::~Births() { leave(); }

Birth* Births::take() {
  Birth* birth = nullptr;
  if (!free_.empty()) {
    birth = free_.back();
    free_.pop_back();
  } else if (used_ < all_.size()) {
    birth = &all_[used_++];
  } else {
    errno = EAGAIN;
    return nullptr;
  }
  *birth = {};
  return birth;
}

void Births::leave() const { munmap(all_.data(), all_.size_bytes()); }

}  // namespace gust::container
