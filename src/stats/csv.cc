#include "stats/csv.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace gust::stats {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kNonBreakingSpace = "\xC2\xA0";

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

}  // namespace

std::string_view trim(std::string_view text) {
  for (;;) {
    if (!text.empty() && is_blank(text.front())) {
      text.remove_prefix(1);
    } else if (!text.empty() && is_blank(text.back())) {
      text.remove_suffix(1);
    } else if (text.starts_with(kNonBreakingSpace)) {
      text.remove_prefix(kNonBreakingSpace.size());
    } else if (text.ends_with(kNonBreakingSpace)) {
      text.remove_suffix(kNonBreakingSpace.size());
    } else {
      return text;
    }
  }
}

CsvReader::CsvReader(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {
  if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
}

std::unexpected<Error> CsvReader::fail_at(std::size_t line, std::size_t field, std::string_view what) const {
  if (field == 0) return fail(ErrorCode::kInvalid, fmt::format("{}:{}: {}", name_, line, what));
  return fail(ErrorCode::kInvalid, fmt::format("{}:{}:{}: {}", name_, line, field, what));
}

Result<std::string_view> CsvReader::quoted_field(const CsvRow& row) {
  const std::size_t opening_line = line_;
  const std::size_t begin = ++at_;
  std::string* unescaped = nullptr;
  std::size_t copied = begin;
  for (; at_ < text_.size(); ++at_) {
    if (text_[at_] == '\n') ++line_;
    if (text_[at_] != '"') continue;
    if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
      if (unescaped == nullptr) unescaped = &unescaped_.emplace_back();
      unescaped->append(text_.substr(copied, at_ + 1 - copied));
      copied = ++at_ + 1;
      continue;
    }
    std::string_view field = text_.substr(begin, at_ - begin);
    if (unescaped != nullptr) {
      unescaped->append(text_.substr(copied, at_ - copied));
      field = *unescaped;
    }
    ++at_;
    while (!at_row_end() && text_[at_] != ',') {
      if (!is_blank(text_[at_])) {
        return fail_at(line_, row.fields.size() + 1, "text behind the closing quote; write a quote inside as \"\"");
      }
      ++at_;
    }
    return field;
  }
  return fail_at(opening_line, row.fields.size() + 1, "this quote is never closed");
}

Result<bool> CsvReader::next(CsvRow& row) {
  while (at_ < text_.size()) {
    row.line = line_;
    row.fields.clear();
    unescaped_.clear();
    for (;;) {
      while (!at_row_end() && is_blank(text_[at_])) ++at_;
      if (at_ < text_.size() && text_[at_] == '"') {
        row.fields.push_back(trim(GUST_TRY(quoted_field(row))));
      } else {
        const std::size_t begin = at_;
        at_ = std::min(text_.find_first_of(",\n", at_), text_.size());
        row.fields.push_back(trim(text_.substr(begin, at_ - begin)));
      }
      if (at_row_end()) break;
      ++at_;
    }
    if (at_ < text_.size()) {
      ++at_;
      ++line_;
    }
    if (!std::ranges::all_of(row.fields, &std::string_view::empty)) return true;
  }
  return false;
}

}  // namespace gust::stats
