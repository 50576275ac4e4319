#include "stats/transfer_file.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <type_traits>
#include <variant>

#include "base/files.h"
#include "stats/csv.h"
#include "stats/csv_field.h"

namespace gust::stats {

namespace {

using Member = std::variant<std::string Transfer::*, std::uint32_t Transfer::*, Bytes Transfer::*, double Transfer::*>;

struct Column {
  std::string_view name;
  Member member;
  bool required = true;
};

const std::array kColumns = {
    Column{"operation", &Transfer::operation},
    Column{"backend", &Transfer::backend},
    Column{"workers", &Transfer::workers},
    Column{"granularity", &Transfer::granularity},
    Column{"payload_bytes", &Transfer::payload_bytes},
    Column{"chunk_bytes", &Transfer::chunk_bytes},
    Column{"run", &Transfer::run, false},
    Column{"iteration", &Transfer::iteration, false},
    Column{"total_bytes", &Transfer::total_bytes},
    Column{"seconds", &Transfer::seconds},
};

constexpr std::string_view kExpected =
    "expected what gust bench pair, throughput and collective write with --out: a header that names operation, "
    "backend, "
    "workers, granularity, payload_bytes, chunk_bytes, total_bytes and seconds, then one row an iteration";

constexpr Bytes kLargest = Bytes::mb(256);

// Where a column of ours stands in this file; nullptr for a column that is not ours.
using Layout = std::vector<const Column*>;

Result<Layout> read_header(CsvReader& reader, const std::string& name) {
  CsvRow header;
  if (!GUST_TRY(reader.next(header))) return fail(ErrorCode::kInvalid, fmt::format("{} is empty; {}", name, kExpected));
  Layout layout;
  for (const std::string_view field : header.fields) {
    const auto* column = std::ranges::find(kColumns, field, &Column::name);
    layout.push_back(column == kColumns.end() ? nullptr : column);
    if (layout.back() != nullptr && std::ranges::count(layout, layout.back()) > 1) {
      return reader.fail_at(header.line, layout.size(), fmt::format("column {} stands there twice", field));
    }
  }
  for (const Column& column : kColumns) {
    if (!column.required || std::ranges::count(layout, &column) == 1) continue;
    return reader.fail_at(header.line, 0,
                          fmt::format("not a transfer file: no column {} in '{}'; {}", column.name,
                                      quotable(fmt::format("{}", fmt::join(header.fields, ","))), kExpected));
  }
  return layout;
}

// What no measurement gives, and no figure can show.
Complaint impossible(const Transfer& transfer, std::string_view column) {
  if (column == "workers" && transfer.workers == 0) return "is not a number of workers";
  if (column == "granularity" && transfer.granularity == 0) return "is not a number of workers a pack";
  if (column == "seconds" && transfer.seconds <= 0) return "is not a time that anything takes";
  return {};
}

Result<Transfer> read_row(const CsvReader& reader, const CsvRow& row, const Layout& layout) {
  if (row.fields.size() != layout.size()) {
    return reader.fail_at(row.line, 0,
                          fmt::format("{} fields where the header has {}", row.fields.size(), layout.size()));
  }
  Transfer transfer;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    if (layout[i] == nullptr) continue;
    Complaint complaint = std::visit([&](auto member) -> Complaint { return assign(transfer.*member, row.fields[i]); },
                                     layout[i]->member);
    if (complaint.empty()) complaint = impossible(transfer, layout[i]->name);
    if (complaint.empty()) continue;
    return reader.fail_at(row.line, i + 1,
                          fmt::format("'{}' {} in column {}", quotable(row.fields[i]), complaint, layout[i]->name));
  }
  return transfer;
}

std::string text_of(const std::string& value) { return value; }
std::string text_of(std::uint32_t value) { return std::to_string(value); }
std::string text_of(Bytes value) { return std::to_string(value.count()); }
std::string text_of(double value) { return fmt::format("{:.9f}", value); }

}  // namespace

std::string format_transfers(std::span<const Transfer> transfers) {
  std::string text;
  for (const Column& column : kColumns) text += (text.empty() ? "" : ",") + std::string(column.name);
  for (const Transfer& transfer : transfers) {
    char before = '\n';
    for (const Column& column : kColumns) {
      text += before;
      text += std::visit([&](auto member) { return text_of(transfer.*member); }, column.member);
      before = ',';
    }
  }
  return text + '\n';
}

Result<void> write_transfers(const std::filesystem::path& path, std::span<const Transfer> transfers) {
  return write_whole_file(path, format_transfers(transfers));
}

Result<std::vector<Transfer>> parse_transfers(std::string_view text, const std::string& name) {
  CsvReader reader(text, name);
  const Layout layout = GUST_TRY(read_header(reader, name));
  std::vector<Transfer> transfers;
  CsvRow row;
  while (GUST_TRY(reader.next(row))) transfers.push_back(GUST_TRY(read_row(reader, row, layout)));
  if (transfers.empty()) {
    return fail(ErrorCode::kInvalid, fmt::format("{} has a header but no rows; {}", name, kExpected));
  }
  return transfers;
}

Result<std::vector<Transfer>> read_transfers(const std::filesystem::path& path) {
  return parse_transfers(GUST_TRY(read_whole_file(path, kLargest)), path.string());
}

}  // namespace gust::stats
