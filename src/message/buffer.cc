#include "message/buffer.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/check.h"
#include "message/spare_memory.h"

namespace gust::message {

namespace {

// In front of the bytes, in one allocation with them; keeps the bytes aligned as malloc's results are.
constexpr std::size_t kHeaderBytes = 64;
static_assert(sizeof(gust_buffer) <= kHeaderBytes);

gust_buffer* new_header(std::size_t extra) {
  void* memory = extra > SIZE_MAX - kHeaderBytes ? nullptr : std::malloc(kHeaderBytes + extra);
  return memory == nullptr ? nullptr : ::new (memory) gust_buffer;
}

}  // namespace

// Large ones are kept for the next when they are dropped.
Buffer Buffer::make_large(std::size_t size) {
  auto* block = new (std::nothrow) LargeBlock(take_large(size));
  if (block == nullptr || block->data == nullptr) {
    delete block;
    return {};
  }
  const auto give_back = [](void* context) {
    auto* own = static_cast<LargeBlock*>(context);
    give_large(*own);
    delete own;
  };
  Buffer buffer = wrap(block->data, size, give_back, block);
  if (!buffer) give_back(block);
  return buffer;
}

Buffer Buffer::make(std::size_t size) {
  if (size >= kLargeBytes) return make_large(size);
  gust_buffer* raw = new_header(size);
  if (raw == nullptr) return {};
  raw->data = reinterpret_cast<std::byte*>(raw) + kHeaderBytes;
  raw->size = size;
  return adopt(raw);
}

Buffer Buffer::copy_of(Piece bytes) {
  Buffer copy = make(bytes.size());
  if (copy && !bytes.empty()) std::memcpy(copy.writable(), bytes.data(), bytes.size());
  return copy;
}

Buffer Buffer::wrap(std::byte* data, std::size_t size, void (*release)(void*), void* context) {
  gust_buffer* raw = new_header(0);
  if (raw == nullptr) return {};
  raw->data = data;
  raw->size = size;
  raw->release = release;
  raw->context = context;
  return adopt(raw);
}

Buffer Buffer::part(std::size_t offset, std::size_t size) const {
  GUST_CHECK(offset <= this->size() && size <= this->size() - offset, "a part lies inside the whole");
  gust_buffer* raw = new_header(0);
  if (raw == nullptr) return {};
  raw->data = raw_->data + offset;
  raw->size = size;
  raw->parent = Buffer(*this).release();
  return adopt(raw);
}

void Buffer::reset() {
  gust_buffer* raw = std::exchange(raw_, nullptr);
  while (raw != nullptr && raw->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    if (raw->release != nullptr) raw->release(raw->context);
    gust_buffer* parent = raw->parent;
    raw->~gust_buffer();
    std::free(raw);
    raw = parent;
  }
}

}  // namespace gust::message
