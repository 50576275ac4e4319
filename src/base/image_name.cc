#include "base/image_name.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace gust {
namespace {

constexpr std::size_t kLongestName = 200;

}  // namespace

Result<void> check_image_name(std::string_view name) {
  const auto wrong = [&](std::string_view why) {
    return fail(ErrorCode::kInvalid, fmt::format("'{}' cannot name an image: {}", name.substr(0, kLongestName), why));
  };
  if (name == kHostImage) return wrong("it stands for the host's own programs");
  const auto is_plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  const auto is_allowed = [&](char c) { return is_plain(c) || std::string_view("._-/:@").contains(c); };
  if (name.empty() || name.size() > kLongestName || !is_plain(name.front()) || !std::ranges::all_of(name, is_allowed)) {
    return wrong(
        fmt::format("write at most {} letters, digits and any of . _ - / : @, a letter or digit first", kLongestName));
  }
  return {};
}

}  // namespace gust
