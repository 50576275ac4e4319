#include "stats/csv_field.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace gust::stats {

namespace {

Complaint assign_count(std::uint64_t& value, std::string_view text, std::uint64_t limit) {
  double number = 0;
  if (Complaint complaint = assign(number, text); !complaint.empty()) return complaint;
  if (number < 0 || number != std::floor(number)) return "is not a whole number from 0";
  // Doubles are exact up to 2^53.
  if (number > std::min(static_cast<double>(limit), 0x1p53)) return "is too large a number";
  value = static_cast<std::uint64_t>(number);
  return {};
}

}  // namespace

Complaint assign(double& value, std::string_view text) {
  const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  double number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(number)) return "is not a number";
  value = number;
  return {};
}

Complaint assign(std::uint64_t& value, std::string_view text) {
  return assign_count(value, text, std::numeric_limits<std::uint64_t>::max());
}

Complaint assign(std::uint32_t& value, std::string_view text) {
  std::uint64_t count = 0;
  Complaint complaint = assign_count(count, text, std::numeric_limits<std::uint32_t>::max());
  value = static_cast<std::uint32_t>(count);
  return complaint;
}

Complaint assign(Bytes& value, std::string_view text) {
  std::uint64_t count = 0;
  Complaint complaint = assign(count, text);
  value = Bytes(count);
  return complaint;
}

Complaint assign(bool& value, std::string_view text) {
  value = text == "True" || text == "TRUE" || text == "true" || text == "1";
  const bool is_false = text == "False" || text == "FALSE" || text == "false" || text == "0";
  return value || is_false ? Complaint() : "is neither True nor False";
}

Complaint assign(std::string& value, std::string_view text) {
  value = quotable(text);
  return text.empty() ? "is no name" : "";
}

std::string quotable(std::string_view text) {
  constexpr std::size_t kLength = 100;
  std::string quoted(text.substr(0, kLength));
  std::ranges::replace_if(quoted, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return text.size() > kLength ? quoted + "..." : quoted;
}

}  // namespace gust::stats
