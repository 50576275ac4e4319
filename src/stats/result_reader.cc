#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>

#include "base/files.h"
#include "stats/columns.h"
#include "stats/csv.h"
#include "stats/result_file.h"

namespace gust::stats {

namespace {

constexpr std::string_view kExpected =
    "expected comma-separated values: a header that names at least host_job_create_tstamp, worker_start_tstamp and "
    "worker_end_tstamp, then one row a worker";

// Later than the year 5000 in seconds, earlier than 1976 in milliseconds.
constexpr double kLatestStamp = 1e11;

// Where a column of ours stands in this file; nullptr for a column that is not ours.
using Layout = std::vector<const Column*>;

// What is wrong with the text, or nothing.
using Complaint = std::string;

Complaint assign(double& value, std::string_view text) {
  const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  double number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(number)) return "is not a number";
  value = number;
  return {};
}

Complaint assign_count(std::uint64_t& value, std::string_view text, std::uint64_t limit) {
  double number = 0;  // integers come as 67481600.0, too
  if (Complaint complaint = assign(number, text); !complaint.empty()) return complaint;
  if (number < 0 || number != std::floor(number)) return "is not a whole number from 0";
  // Doubles are exact up to 2^53.
  if (number > std::min(static_cast<double>(limit), 0x1p53)) return "is too large a number";
  value = static_cast<std::uint64_t>(number);
  return {};
}

Complaint assign(std::uint64_t& value, std::string_view text) {
  return assign_count(value, text, std::numeric_limits<std::uint64_t>::max());
}

Complaint assign(Bytes& value, std::string_view text) {
  std::uint64_t count = 0;
  Complaint complaint = assign(count, text);
  value = Bytes(count);
  return complaint;
}

Complaint assign(std::uint32_t& value, std::string_view text) {
  std::uint64_t count = 0;
  Complaint complaint = assign_count(count, text, std::numeric_limits<std::uint32_t>::max());
  value = static_cast<std::uint32_t>(count);
  return complaint;
}

Complaint assign(bool& value, std::string_view text) {
  value = text == "True" || text == "TRUE" || text == "true" || text == "1";
  const bool is_false = text == "False" || text == "FALSE" || text == "false" || text == "0";
  return value || is_false ? Complaint() : "is neither True nor False";
}

template <class Tag>
Complaint assign(NumberId<Tag>& id, std::string_view text) {
  std::uint32_t value = 0;
  Complaint complaint = assign(value, text);
  id = NumberId<Tag>(value);
  return complaint;
}

template <class T>
Complaint assign(std::optional<T>& value, std::string_view text) {
  return assign(value.emplace(), text);
}

// The file may be no text at all: what is quoted from it goes to a terminal.
std::string quotable(std::string_view text) {
  constexpr std::size_t kLength = 100;
  std::string quoted(text.substr(0, kLength));
  std::ranges::replace_if(quoted, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return text.size() > kLength ? quoted + "..." : quoted;
}

bool means_nothing(std::string_view text) { return text.empty() || text == "NA" || text == "nan" || text == "NaN"; }

Result<Layout> read_header(CsvReader& reader, const std::string& name) {
  CsvRow header;
  if (!GUST_TRY(reader.next(header))) return fail(ErrorCode::kInvalid, fmt::format("{} is empty; {}", name, kExpected));
  Layout layout;
  for (const std::string_view field : header.fields) {
    const auto column = std::ranges::find(columns(), field, &Column::name);
    layout.push_back(column == columns().end() ? nullptr : &*column);
    if (layout.back() != nullptr && std::ranges::count(layout, layout.back()) > 1) {
      return reader.fail_at(header.line, layout.size(), fmt::format("column {} stands there twice", field));
    }
  }
  for (const Column& column : columns()) {
    if (column.need == Need::kOptional || std::ranges::count(layout, &column) == 1) continue;
    return reader.fail_at(header.line, 0,
                          fmt::format("not a result file: no column {} in '{}'; {}", column.name,
                                      quotable(fmt::format("{}", fmt::join(header.fields, ","))), kExpected));
  }
  return layout;
}

Result<Record> read_record(const CsvReader& reader, const CsvRow& row, const Layout& layout) {
  std::size_t fields = row.fields.size();
  while (fields > layout.size() && row.fields[fields - 1].empty()) --fields;
  if (fields != layout.size()) {
    return reader.fail_at(row.line, 0, fmt::format("{} fields where the header has {}", fields, layout.size()));
  }
  Record record;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    if (layout[i] == nullptr) continue;
    const Column& column = *layout[i];
    const std::string_view text = row.fields[i];
    if (means_nothing(text)) {
      if (column.need == Need::kOptional) continue;
      return reader.fail_at(row.line, i + 1, fmt::format("no value in column {}", column.name));
    }
    const Complaint complaint = std::visit([&](auto member) { return assign(record.*member, text); }, column.member);
    if (!complaint.empty()) {
      return reader.fail_at(row.line, i + 1,
                            fmt::format("'{}' {} in column {}", quotable(text), complaint, column.name));
    }
    const auto* stamp = std::get_if<double Record::*>(&column.member);
    if (column.need == Need::kRequired && stamp != nullptr && record.**stamp > kLatestStamp) {
      return reader.fail_at(row.line, i + 1,
                            fmt::format("'{}' is too large for Unix seconds in column {}", text, column.name));
    }
  }
  if (record.worker_end_tstamp < record.worker_start_tstamp) {
    const auto end = std::ranges::find_if(layout, [](const Column* c) { return c && c->name == "worker_end_tstamp"; });
    return reader.fail_at(row.line, static_cast<std::size_t>(end - layout.begin()) + 1,
                          "worker_end_tstamp lies before worker_start_tstamp");
  }
  return record;
}

}  // namespace

Result<std::vector<Record>> parse_results(std::string_view text, const std::string& name) {
  CsvReader reader(text, name);
  const Layout layout = GUST_TRY(read_header(reader, name));
  std::vector<Record> records;
  CsvRow row;
  while (GUST_TRY(reader.next(row))) records.push_back(GUST_TRY(read_record(reader, row, layout)));
  if (records.empty()) {
    return fail(ErrorCode::kInvalid, fmt::format("{} has a header but no rows; {}", name, kExpected));
  }
  return records;
}

Result<std::vector<Record>> read_results(const std::filesystem::path& path) {
  return parse_results(GUST_TRY(read_whole_file(path, kMaxResultFile)), path.string());
}

}  // namespace gust::stats
