#include "transport/tcp/ring.h"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

#include "base/relax.h"

namespace gust::transport {

namespace {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kDataAt = 4096;  // a page for what is shared
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW;

// About what falling asleep and being woken cost together.
constexpr std::chrono::microseconds kLookFor{20};
constexpr int kLooksBetweenClocks = 64;

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GUST_RING_TSAN
#endif
#endif
// The thread sanitizer knows memory by its address, and both ends in one process have mapped it at different ones.
void order_for_sanitizer() {
#ifdef GUST_RING_TSAN
  static std::atomic<int> all;
  all.fetch_add(1, std::memory_order_acq_rel);
#endif
}

}  // namespace

/// Positions are numbers of bytes from the beginning; each is written by one end only.
struct RingMemory::Shared {
  alignas(kCacheLine) std::atomic<std::uint64_t> written;
  alignas(kCacheLine) std::atomic<std::uint64_t> read;
  alignas(kCacheLine) std::atomic<std::uint32_t> reader_waits;
  std::atomic<std::uint32_t> writer_waits;
};
static_assert(sizeof(RingMemory::Shared) <= kDataAt);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

RingMemory::RingMemory(RingMemory&& other) noexcept
    : shared_(std::exchange(other.shared_, nullptr)), capacity_(other.capacity_) {}

RingMemory& RingMemory::operator=(RingMemory&& other) noexcept {
  std::swap(shared_, other.shared_);
  std::swap(capacity_, other.capacity_);
  return *this;
}

RingMemory::~RingMemory() {
  if (shared_ != nullptr) ::munmap(shared_, kDataAt + capacity_);
}

Result<RingMemory> RingMemory::map(int fd, std::size_t capacity) {
  void* memory = ::mmap(nullptr, kDataAt + capacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return fail_errno("map memory that two packs share", errno);
  RingMemory mapped;
  mapped.shared_ = static_cast<Shared*>(memory);
  mapped.capacity_ = capacity;
  return mapped;
}

std::byte* RingMemory::data() const { return reinterpret_cast<std::byte*>(shared_) + kDataAt; }

Result<RingWriter> RingWriter::make(std::size_t capacity) {
  RingWriter writer;
  writer.fd_ = UniqueFd(::memfd_create("gust-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!writer.fd_ || ::ftruncate(writer.fd(), static_cast<off_t>(kDataAt + capacity)) != 0 ||
      ::fcntl(writer.fd(), F_ADD_SEALS, kSeals) != 0) {
    return fail_errno("make memory that two packs share", errno);
  }
  writer.memory_ = GUST_TRY(RingMemory::map(writer.fd(), capacity));  // of zeros
  return writer;
}

Result<std::size_t> RingWriter::write(std::span<const std::byte> bytes) {
  const std::size_t capacity = memory_.capacity();
  const std::uint64_t used = written_ - memory_.shared().read.load(std::memory_order_acquire);
  if (used > capacity) return fail(ErrorCode::kInvalid, "it has read more than was written");
  const std::size_t at = written_ % capacity;
  const std::size_t size = std::min({bytes.size(), capacity - static_cast<std::size_t>(used), kRingStep});
  const std::size_t first = std::min(size, capacity - at);
  if (first > 0) std::memcpy(memory_.data() + at, bytes.data(), first);
  if (size > first) std::memcpy(memory_.data(), bytes.data() + first, size - first);
  written_ += size;
  return size;
}

bool RingWriter::publish() {
  order_for_sanitizer();
  RingMemory::Shared& shared = memory_.shared();
  shared.written.store(written_, std::memory_order_seq_cst);
  return shared.reader_waits.load(std::memory_order_seq_cst) != 0 &&
         shared.reader_waits.exchange(0, std::memory_order_seq_cst) != 0;
}

bool RingWriter::begin_wait() {
  RingMemory::Shared& shared = memory_.shared();
  shared.writer_waits.store(1, std::memory_order_seq_cst);
  if (written_ - shared.read.load(std::memory_order_seq_cst) >= memory_.capacity()) return true;
  shared.writer_waits.store(0, std::memory_order_relaxed);
  return false;
}

Result<RingReader> RingReader::open(const UniqueFd& fd, std::size_t capacity) {
  struct stat status{};
  const bool is_ring = fd && std::has_single_bit(capacity) && capacity >= kDataAt && capacity <= kMostRingBytes &&
                       ::fstat(fd.get(), &status) == 0 &&
                       static_cast<std::size_t>(status.st_size) == kDataAt + capacity &&
                       (::fcntl(fd.get(), F_GET_SEALS) & F_SEAL_SHRINK) != 0;
  if (!is_ring) return fail(ErrorCode::kInvalid, "the memory that it shares is not as it says");
  RingReader reader;
  reader.memory_ = GUST_TRY(RingMemory::map(fd.get(), capacity));
  return reader;
}

Result<std::size_t> RingReader::read(std::span<std::byte> to) {
  const std::size_t capacity = memory_.capacity();
  const std::uint64_t there = memory_.shared().written.load(std::memory_order_acquire) - read_;
  if (there > capacity) return fail(ErrorCode::kInvalid, "it has written more than there is room for");
  const std::size_t at = read_ % capacity;
  const std::size_t size = std::min({to.size(), static_cast<std::size_t>(there), kRingStep});
  if (size == 0) return size;
  order_for_sanitizer();
  const std::size_t first = std::min(size, capacity - at);
  std::memcpy(to.data(), memory_.data() + at, first);
  if (size > first) std::memcpy(to.data() + first, memory_.data(), size - first);
  read_ += size;
  memory_.shared().read.store(read_, std::memory_order_seq_cst);
  return size;
}

bool RingReader::owes_wake() {
  RingMemory::Shared& shared = memory_.shared();
  if (shared.writer_waits.load(std::memory_order_seq_cst) == 0) return false;
  // Not for every step: the writer would fall asleep again at once.
  if (shared.written.load(std::memory_order_relaxed) - read_ > memory_.capacity() / 2) return false;
  return shared.writer_waits.exchange(0, std::memory_order_seq_cst) != 0;
}

bool RingReader::look() const {
  const auto end = std::chrono::steady_clock::now() + kLookFor;
  do {
    for (int i = 0; i < kLooksBetweenClocks; ++i) {
      if (memory_.shared().written.load(std::memory_order_acquire) != read_) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

bool RingReader::begin_wait() {
  RingMemory::Shared& shared = memory_.shared();
  shared.reader_waits.store(1, std::memory_order_seq_cst);
  if (shared.written.load(std::memory_order_seq_cst) == read_) return true;
  shared.reader_waits.store(0, std::memory_order_relaxed);
  return false;
}

}  // namespace gust::transport
