// What the driving worker of each pack does in a collective operation: the packs' steps. docs/collectives.md.
#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "message/collective_slot.h"

namespace gust::message {

namespace {

// Steps of one operation that has several parts.
constexpr std::uint64_t kResultSteps = std::uint64_t{1} << 30;
constexpr std::uint64_t kBroadcastSteps = std::uint64_t{2} << 30;

// Elements are combined in blocks that stay in a processor's cache from one worker's to the next.
constexpr std::size_t kBlockBytes = 32 << 10;

constexpr std::uint64_t kSizeMask = (std::uint64_t{1} << 56) - 1;

std::uint64_t argument(CollectiveKind kind, std::uint64_t size) {
  return static_cast<std::uint64_t>(kind) << 56 | (size & kSizeMask);
}

Result<void> check_kind(const PackMessage& message, CollectiveKind kind) {
  if (message.argument >> 56 == static_cast<std::uint64_t>(kind)) return {};
  return fail(ErrorCode::kInvalid,
              "workers of different packs called different operations; all workers must call the same operations in "
              "the same order");
}

std::unexpected<Error> no_memory(std::size_t bytes) {
  return fail(ErrorCode::kTooLarge, "there is no memory for " + std::to_string(bytes) +
                                        " bytes; raise the action's memory limit, or send less at a time");
}

}  // namespace

// Dissemination: after round i each pack has heard, directly or not, of 2^(i+1) packs.
Result<void> Collectives::run_barrier(Slot& slot, SteadyTime deadline) {
  const std::uint32_t packs = hub_.layout().packs();
  const std::uint32_t self = hub_.layout().self().value();
  std::uint64_t step = 0;
  for (std::uint64_t distance = 1; distance < packs; distance *= 2, ++step) {
    const PackId to(static_cast<std::uint32_t>((self + distance) % packs));
    const PackId from(static_cast<std::uint32_t>((self + packs - distance) % packs));
    GUST_TRY_VOID(hub_.send_to_pack(to, tag(slot, step), argument(slot.shape.kind, 0), {}, deadline));
    const PackMessage message = GUST_TRY(take(slot, from, step, deadline));
    GUST_TRY_VOID(check_kind(message, slot.shape.kind));
  }
  return {};
}

// A binomial tree over the packs, in segments, so that a pack sends one on while it receives the next.
Result<Buffer> Collectives::run_broadcast(Slot& slot, std::uint64_t first_step, PackId root, Buffer data,
                                          SteadyTime deadline) {
  const std::uint32_t packs = hub_.layout().packs();
  const std::uint32_t self = hub_.layout().self().value();
  const std::uint32_t place = (self + packs - root.value()) % packs;  // counted from the root
  const std::uint32_t lowest_bit = place == 0 ? std::bit_ceil(packs) : place & (~place + 1);
  const PackId parent((place - (place == 0 ? 0 : lowest_bit) + root.value()) % packs);
  std::size_t total = data.size();
  std::uint64_t segment = 0;
  do {
    const std::size_t offset = segment * kSegmentBytes;
    if (place != 0) {
      PackMessage message = GUST_TRY(take(slot, parent, first_step + segment, deadline));
      GUST_TRY_VOID(check_kind(message, slot.shape.kind));
      if (segment == 0) total = message.argument & kSizeMask;
      if (total <= kSegmentBytes) {
        data = std::move(message.data);
      } else {
        if (segment == 0) data = Buffer::make(total);
        if (!data) return no_memory(total);
        if (message.data.size() > total - offset) return fail(ErrorCode::kInvalid, "a segment of a wrong size arrived");
        std::memcpy(data.writable() + offset, message.data.bytes().data(), message.data.size());
      }
    }
    const Piece piece = data.bytes().subspan(offset, std::min(kSegmentBytes, total - offset));
    for (std::uint32_t bit = lowest_bit / 2; bit > 0; bit /= 2) {
      if (place + bit >= packs) continue;
      GUST_TRY_VOID(hub_.send_to_pack(PackId((place + bit + root.value()) % packs), tag(slot, first_step + segment),
                                      argument(slot.shape.kind, total), {&piece, 1}, deadline));
    }
    ++segment;
  } while (segment * kSegmentBytes < total);
  return data;
}

// A chain through the packs in their order, in segments. Each adds its workers' elements, in their order, to what comes
// from the packs before it. The last one has the result.
Result<Buffer> Collectives::run_reduce(Slot& slot, const Reduction& reduction, SteadyTime deadline) {
  const Layout& layout = hub_.layout();
  const std::uint32_t self = layout.self().value();
  const PackId last(layout.packs() - 1);
  const bool is_last = layout.self() == last;
  const std::size_t total = slot.shape.bytes;
  const std::size_t element = reduction.element_bytes;
  const std::size_t segment_bytes = std::max(element, kSegmentBytes / element * element);
  const std::size_t block_bytes = std::max(element, kBlockBytes / element * element);
  const bool to_all = slot.shape.root == kAny;
  const PackId root_pack = to_all ? last : layout.pack_of(WorkerId(slot.shape.root));
  const std::uint64_t head = argument(slot.shape.kind, total);

  Buffer result;
  if (is_last || layout.self() == root_pack) {
    result = Buffer::make(total);
    if (!result) return no_memory(total);
  }
  std::uint64_t segment = 0;
  std::size_t offset = 0;
  do {
    const std::size_t bytes = std::min(segment_bytes, total - offset);
    Buffer sum;
    if (self != 0) {
      PackMessage message = GUST_TRY(take(slot, PackId(self - 1), segment, deadline));
      GUST_TRY_VOID(check_kind(message, slot.shape.kind));
      if (message.argument != head || message.data.size() != bytes) {
        return fail(ErrorCode::kInvalid, "workers of different packs called reduce with different sizes");
      }
      sum = std::move(message.data);
    } else {
      sum = Buffer::make(bytes);
      if (!sum) return no_memory(bytes);
      if (bytes > 0) std::memcpy(sum.writable(), slot.in_place[0].data() + offset, bytes);
    }
    for (std::size_t block = 0; block < bytes; block += block_bytes) {
      const std::size_t count = std::min(block_bytes, bytes - block) / element;
      for (std::size_t worker = self == 0 ? 1 : 0; worker < slot.in_place.size(); ++worker) {
        reduction.combine(reduction.context, sum.writable() + block, slot.in_place[worker].data() + offset + block,
                          count);
      }
    }
    const Piece piece = sum.bytes();
    if (!is_last) {
      GUST_TRY_VOID(hub_.send_to_pack(PackId(self + 1), tag(slot, segment), head, {&piece, 1}, deadline));
    } else {
      if (bytes > 0) std::memcpy(result.writable() + offset, piece.data(), bytes);
      if (root_pack != last) {
        GUST_TRY_VOID(hub_.send_to_pack(root_pack, tag(slot, kResultSteps + segment), head, {&piece, 1}, deadline));
      }
    }
    offset += bytes;
    ++segment;
  } while (offset < total);

  if (root_pack != last && layout.self() == root_pack) {
    offset = 0;
    for (std::uint64_t i = 0; i < segment; ++i) {
      const PackMessage message = GUST_TRY(take(slot, last, kResultSteps + i, deadline));
      if (message.data.size() > total - offset) return fail(ErrorCode::kInvalid, "a segment of a wrong size arrived");
      if (message.data.size() > 0) {
        std::memcpy(result.writable() + offset, message.data.bytes().data(), message.data.size());
      }
      offset += message.data.size();
    }
  }
  if (to_all) return run_broadcast(slot, kBroadcastSteps, last, std::move(result), deadline);
  return result;
}

Result<void> Collectives::send_parts(Slot& slot, PackId to, const std::vector<Piece>& parts, SteadyTime deadline) {
  std::vector<std::uint64_t> sizes;
  sizes.reserve(parts.size());
  for (const Piece& part : parts) sizes.push_back(part.size());
  std::vector<Piece> pieces;
  pieces.reserve(parts.size() + 1);
  pieces.push_back(std::as_bytes(std::span(sizes)));
  for (const Piece& part : parts) {
    if (!part.empty()) pieces.push_back(part);
  }
  return hub_.send_to_pack(to, tag(slot, 0), argument(slot.shape.kind, parts.size()), pieces, deadline);
}

Result<std::vector<Buffer>> Collectives::take_parts(Slot& slot, PackId from, std::size_t count, SteadyTime deadline) {
  const PackMessage message = GUST_TRY(take(slot, from, 0, deadline));
  GUST_TRY_VOID(check_kind(message, slot.shape.kind));
  const Piece bytes = message.data.bytes();
  const auto malformed = [] { return fail(ErrorCode::kInvalid, "parts that contradict their sizes arrived"); };
  std::size_t offset = count * sizeof(std::uint64_t);
  if ((message.argument & kSizeMask) != count || bytes.size() < offset) return malformed();
  std::vector<Buffer> parts;
  parts.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t size = 0;
    std::memcpy(&size, bytes.data() + i * sizeof size, sizeof size);
    if (size > bytes.size() - offset) return malformed();
    parts.push_back(message.data.part(offset, size));
    offset += size;
  }
  return parts;
}

// Each pack to the root's, or to all others.
Result<std::vector<Buffer>> Collectives::run_gather(Slot& slot, SteadyTime deadline) {
  const Layout& layout = hub_.layout();
  const std::uint32_t packs = layout.packs();
  const std::uint32_t self = layout.self().value();
  const bool to_all = slot.shape.root == kAny;
  const PackId root_pack = to_all ? layout.self() : layout.pack_of(WorkerId(slot.shape.root));
  std::vector<Piece> mine;
  for (const auto& brought : slot.brought) mine.push_back(brought.front().bytes());
  if (root_pack != layout.self()) {
    GUST_TRY_VOID(send_parts(slot, root_pack, mine, deadline));
    return std::vector<Buffer>();
  }
  for (std::uint32_t i = 1; to_all && i < packs; ++i) {
    GUST_TRY_VOID(send_parts(slot, PackId((self + i) % packs), mine, deadline));
  }
  std::vector<Buffer> all(layout.burst_size());
  for (std::uint32_t i = 0; i < packs; ++i) {
    const PackId from((self + packs - i) % packs);
    const WorkerRange range = layout.range(from);
    std::vector<Buffer> parts;
    if (i == 0) {
      for (const auto& brought : slot.brought) parts.push_back(brought.front());
    } else {
      parts = GUST_TRY(take_parts(slot, from, range.count, deadline));
    }
    std::ranges::move(parts, all.begin() + range.first.value());
  }
  return all;
}

Result<void> Collectives::run_scatter(Slot& slot, const std::vector<Buffer>& data, SteadyTime deadline) {
  const Layout& layout = hub_.layout();
  for (std::uint32_t i = 1; i < layout.packs(); ++i) {
    const PackId to((layout.self().value() + i) % layout.packs());
    const WorkerRange range = layout.range(to);
    std::vector<Piece> parts;
    for (std::uint32_t w = range.first.value(); w < range.end(); ++w) parts.push_back(data[w].bytes());
    GUST_TRY_VOID(send_parts(slot, to, parts, deadline));
  }
  return {};
}

// Each pack to each other one: what all of its workers have for all of the other's.
Result<void> Collectives::run_all_to_all(Slot& slot, SteadyTime deadline) {
  const Layout& layout = hub_.layout();
  const std::uint32_t packs = layout.packs();
  const std::uint32_t self = layout.self().value();
  const std::uint32_t mine = layout.local().count;
  for (std::uint32_t i = 1; i < packs; ++i) {
    const PackId to((self + i) % packs);
    const WorkerRange range = layout.range(to);
    std::vector<Piece> parts;
    parts.reserve(std::size_t{mine} * range.count);
    for (const auto& brought : slot.brought) {
      for (std::uint32_t w = range.first.value(); w < range.end(); ++w) parts.push_back(brought[w].bytes());
    }
    GUST_TRY_VOID(send_parts(slot, to, parts, deadline));
  }
  if (packs > 1) slot.columns.assign(mine, std::vector<Buffer>(layout.burst_size()));
  for (std::uint32_t i = 1; i < packs; ++i) {
    const PackId from((self + packs - i) % packs);
    const WorkerRange range = layout.range(from);
    std::vector<Buffer> parts = GUST_TRY(take_parts(slot, from, std::size_t{range.count} * mine, deadline));
    for (std::uint32_t w = 0; w < range.count; ++w) {
      for (std::uint32_t to = 0; to < mine; ++to) {
        slot.columns[to][range.first.value() + w] = std::move(parts[std::size_t{w} * mine + to]);
      }
    }
  }
  return {};
}

}  // namespace gust::message
