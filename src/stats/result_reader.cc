#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.h"
#include "stats/columns.h"
#include "stats/csv.h"
#include "stats/csv_field.h"
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
