#include <fmt/format.h>
#include <iterator>
#include <type_traits>

#include "base/files.h"
#include "stats/columns.h"
#include "stats/result_file.h"

namespace gust::stats {

namespace {

void append(std::string& text, double seconds) { fmt::format_to(std::back_inserter(text), "{:.6f}", seconds); }
void append(std::string& text, Bytes bytes) { fmt::format_to(std::back_inserter(text), "{}", bytes.count()); }
void append(std::string& text, std::uint64_t count) { fmt::format_to(std::back_inserter(text), "{}", count); }
void append(std::string& text, std::uint32_t count) { fmt::format_to(std::back_inserter(text), "{}", count); }
void append(std::string& text, bool value) { text += value ? "True" : "False"; }
template <class Tag>
void append(std::string& text, NumberId<Tag> id) {
  append(text, id.value());
}
template <class T>
void append(std::string& text, const std::optional<T>& value) {
  if (value) append(text, *value);
}

}  // namespace

std::string format_results(std::span<const Record> records) {
  std::string text;
  for (const Column& column : columns()) {
    if (!text.empty()) text += ',';
    text += column.name;
  }
  text += '\n';
  for (const Record& record : records) {
    bool first = true;
    for (const Column& column : columns()) {
      if (!first) text += ',';
      first = false;
      std::visit([&](auto member) { append(text, record.*member); }, column.member);
    }
    text += '\n';
  }
  return text;
}

Result<void> write_results(const std::filesystem::path& path, std::span<const Record> records) {
  return write_whole_file(path, format_results(records));
}

}  // namespace gust::stats
