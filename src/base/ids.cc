#include "base/ids.h"

#include <algorithm>
#include <array>
#include <sys/random.h>

#include "base/check.h"
#include "base/encoding.h"

namespace gust {

bool is_hex_id(std::string_view text) {
  return text.size() == 32 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string random_hex_id() {
  std::array<unsigned char, 16> bytes{};
  GUST_CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()), "the kernel's generator");
  return hex_encode(bytes);
}

}  // namespace gust
