#include "message/spare_memory.h"

#include <unistd.h>

#include <algorithm>
#include <sys/mman.h>
#include <sys/resource.h>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace gust::message {

namespace {

// Marking takes about as long as copying some kilobytes, too much for blocks that come and go by the thousand.
constexpr std::size_t kMarkedFrom = std::size_t{4} << 20;

// Blocks that were given back, the oldest first.
class Shelf {
 public:
  explicit Shelf(std::size_t limit) : limit_(limit) {}

  // The smallest that is large enough, but for those of which too much would lie idle.
  LargeBlock take(std::size_t bytes) {
    const MutexLock lock(mutex_);
    auto best = blocks_.end();
    for (auto block = blocks_.begin(); block != blocks_.end(); ++block) {
      if (block->capacity < bytes || block->capacity - bytes > bytes / 4) continue;
      if (best == blocks_.end() || block->capacity < best->capacity) best = block;
    }
    if (best == blocks_.end()) return {};
    const LargeBlock found = *best;
    blocks_.erase(best);
    kept_ -= found.capacity;
    return found;
  }

  void give(LargeBlock block) {
    std::vector<LargeBlock> too_much;
    {
      const MutexLock lock(mutex_);
      blocks_.push_back(block);
      kept_ += block.capacity;
      auto keep = blocks_.begin();
      for (; kept_ > limit_; ++keep) kept_ -= keep->capacity;
      too_much.assign(blocks_.begin(), keep);
      blocks_.erase(blocks_.begin(), keep);
    }
    for (const LargeBlock& old : too_much) ::munmap(old.data, old.capacity);
  }

 private:
  const std::size_t limit_;
  Mutex mutex_;
  std::vector<LargeBlock> blocks_ GUST_GUARDED_BY(mutex_);
  std::size_t kept_ GUST_GUARDED_BY(mutex_) = 0;
};

// Where memory is limited for each process, what is kept counts, marked or not, and user code would miss it. With a
// quarter, a message can be kept for that is as large as a pack has room for four of.
std::size_t most_marked() {
  constexpr std::size_t kMost = std::size_t{1} << 30;
  rlimit limit{};
  if (::getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kMost;
  return std::min<std::size_t>(kMost, limit.rlim_cur / 4);
}

// Never destroyed: buffers may outlive everything else.
Shelf& shelf_of(std::size_t capacity) {
  static Shelf& small = *new Shelf(std::min(std::size_t{32} << 20, most_marked()));
  static Shelf& marked = *new Shelf(most_marked());
  return capacity < kMarkedFrom ? small : marked;
}

std::size_t page_bytes() {
  static const auto kPage = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return kPage;
}

}  // namespace

LargeBlock take_large(std::size_t bytes) {
  const std::size_t page = page_bytes();
  if (bytes > SIZE_MAX - page) return {};
  const std::size_t capacity = std::max(page, (bytes + page - 1) / page * page);
  if (const LargeBlock kept = shelf_of(capacity).take(capacity); kept.data != nullptr) return kept;
  void* memory = ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return {};
  return {static_cast<std::byte*>(memory), capacity};
}

void give_large(LargeBlock block) {
  if (block.capacity >= kMarkedFrom) ::madvise(block.data, block.capacity, MADV_FREE);
  shelf_of(block.capacity).give(block);
}

}  // namespace gust::message
