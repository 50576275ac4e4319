#include "transport/s3/objects.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "transport/backend.h"

namespace gust::transport::s3 {

using message::FrameHeader;
using message::Piece;

namespace {

// A request takes milliseconds whatever it carries; below this much they, and not the bytes, are what takes the time.
constexpr std::size_t kSharedBytes = std::size_t{1} << 20;
constexpr std::size_t kNumberDigits = 16;

}  // namespace

std::string inbox_prefix(std::string_view flare_id, PackId to) {
  return name_prefix(flare_id, '/') + std::to_string(to.value()) + "/";
}

std::string object_name(PackId from, std::uint64_t number) {
  std::string digits(kNumberDigits, '0');
  for (std::size_t i = kNumberDigits; number != 0; number >>= 4) digits[--i] = "0123456789abcdef"[number & 15];
  return std::to_string(from.value()) + "/" + digits;
}

std::optional<ObjectName> parse_object_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos || name.size() != slash + 1 + kNumberDigits) return std::nullopt;
  const auto read = [](std::string_view digits, auto& value, int base) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  std::uint32_t pack = 0;
  std::uint64_t number = 0;
  if (!read(name.substr(0, slash), pack, 10) || !read(name.substr(slash + 1), number, 16)) return std::nullopt;
  return ObjectName{PackId(pack), number};
}

std::size_t largest_object(std::size_t chunk_bytes) {
  return std::max(chunk_bytes + sizeof(FrameHeader), kSharedBytes);
}

Result<void> deliver_object(PackId from, Piece object, message::FrameSink& sink) {
  while (!object.empty()) {
    FrameHeader header;
    if (object.size() < sizeof header) return fail(ErrorCode::kInvalid, "an object ends within a frame's header");
    std::memcpy(&header, object.data(), sizeof header);
    object = object.subspan(sizeof header);
    if (header.frame_bytes > object.size()) return fail(ErrorCode::kInvalid, "an object ends within a frame");
    std::byte* place = GUST_TRY(sink.begin_frame(from, header));
    if (place != nullptr) {
      if (header.frame_bytes > 0) std::memcpy(place, object.data(), header.frame_bytes);
      GUST_TRY_VOID(sink.end_frame(from, header));
    }
    object = object.subspan(header.frame_bytes);
  }
  return {};
}

}  // namespace gust::transport::s3
