#include "invoker/utf8.h"

#include <cstddef>
#include <cstdint>

namespace gust::invoker {

namespace {

struct Shape {
  std::size_t length;  // 0: no character begins with this byte
  unsigned char second_low;
  unsigned char second_high;
};

// Table 3-7 of the Unicode standard: the second byte's range excludes overlong forms, surrogates and what is too large.
Shape shape_of(unsigned char lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead >= 0xc2 && lead <= 0xdf) return {2, 0x80, 0xbf};
  if (lead == 0xe0) return {3, 0xa0, 0xbf};
  if (lead == 0xed) return {3, 0x80, 0x9f};
  if (lead >= 0xe1 && lead <= 0xef) return {3, 0x80, 0xbf};
  if (lead == 0xf0) return {4, 0x90, 0xbf};
  if (lead >= 0xf1 && lead <= 0xf3) return {4, 0x80, 0xbf};
  if (lead == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

// Bytes of the well-formed character that `text` begins with; 0 when there is none.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const Shape shape = shape_of(byte(0));
  if (shape.length <= 1) return shape.length;
  if (text.size() < shape.length || byte(1) < shape.second_low || byte(1) > shape.second_high) return 0;
  for (std::size_t i = 2; i < shape.length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return shape.length;
}

}  // namespace

std::string to_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  std::size_t good = 0;  // bytes at the front that are well-formed and not yet copied
  while (good < bytes.size()) {
    if (const std::size_t length = character_length(bytes.substr(good)); length > 0) {
      good += length;
      continue;
    }
    text += bytes.substr(0, good);
    text += "\xef\xbf\xbd";
    bytes.remove_prefix(good + 1);
    good = 0;
  }
  text += bytes;
  return text;
}

}  // namespace gust::invoker
