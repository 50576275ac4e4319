#include "stats/transfer_figures.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "stats/line_chart.h"
#include "stats/quantiles.h"
#include "stats/report.h"

namespace gust::stats {

namespace {

constexpr const char* kNote = "points: medians; bars: quartiles";
// Above this factor between times, the smaller ones could not be told apart on a linear axis.
constexpr double kWide = 10;

// Everything that may tell one line from another.
using LineKey = std::tuple<std::uint32_t, Bytes, Bytes, std::string>;  // workers, payload, chunk, backend

struct Figure {
  std::function<double(const Transfer&)> x;
  std::function<double(const Transfer&)> y;
  bool x_is_chunk = false;  ///< else it is a count
  bool x_is_workers = false;
  bool titled = false;  ///< each panel with its operation
};

LineKey key_of(const Figure& figure, const Transfer& transfer) {
  return {figure.x_is_workers ? 0 : transfer.workers, transfer.payload_bytes,
          figure.x_is_chunk ? Bytes() : transfer.chunk_bytes, transfer.backend};
}

// What differs between lines stands in their names.
std::map<LineKey, std::string> line_names(const std::set<LineKey>& keys) {
  std::set<std::uint32_t> workers;
  std::set<Bytes> payloads;
  std::set<Bytes> chunks;
  for (const auto& [count, payload, chunk, backend] : keys) {
    workers.insert(count);
    payloads.insert(payload);
    chunks.insert(chunk);
  }
  std::map<LineKey, std::string> names;
  for (const LineKey& key : keys) {
    const auto& [count, payload, chunk, backend] = key;
    std::string name = backend;
    if (workers.size() > 1) name += fmt::format(", {} workers", count);
    if (payloads.size() > 1 && payload != Bytes()) name += ", " + to_string(payload);
    if (chunks.size() > 1 && chunk != Bytes()) name += fmt::format(", chunk {}", to_string(chunk));
    names[key] = name;
  }
  return names;
}

// What all lines have in common stands in the title.
std::string common(std::span<const Transfer> transfers, bool workers) {
  const Transfer& first = transfers.front();
  std::string text;
  const auto all = [&](auto member) {
    return std::ranges::count(transfers, first.*member, member) == static_cast<std::ptrdiff_t>(transfers.size());
  };
  if (workers && all(&Transfer::workers)) text += fmt::format("{} workers", first.workers);
  if (all(&Transfer::payload_bytes) && first.payload_bytes != Bytes()) {
    text += (text.empty() ? "" : ", ") + to_string(first.payload_bytes);
  }
  return text;
}

std::vector<LineChart::Line> lines_of(const Figure& figure, const std::vector<const Transfer*>& transfers,
                                      const std::map<LineKey, std::string>& names) {
  std::map<LineKey, std::map<double, std::vector<double>>> values;
  for (const Transfer* transfer : transfers) {
    values[key_of(figure, *transfer)][figure.x(*transfer)].push_back(figure.y(*transfer));
  }
  std::vector<LineChart::Line> lines;
  for (auto& [key, points] : values) {
    LineChart::Line& line = lines.emplace_back(LineChart::Line{names.at(key), {}});
    for (auto& [x, samples] : points) {
      std::ranges::sort(samples);
      line.points.push_back(
          {.x = x, .low = quantile(samples, 0.25), .middle = quantile(samples, 0.5), .high = quantile(samples, 0.75)});
    }
  }
  return lines;
}

std::string tic_text(const Figure& figure, double x) {
  return figure.x_is_chunk ? to_string(Bytes(static_cast<std::uint64_t>(x))) : fmt::format("{}", x);
}

// One panel an operation, in the order in which they come.
Result<void> draw(const Figure& figure, std::span<const Transfer> transfers, LineChart chart,
                  const std::filesystem::path& path) {
  std::set<LineKey> keys;
  std::set<double> sizes;
  std::vector<std::pair<std::string, std::vector<const Transfer*>>> operations;
  for (const Transfer& transfer : transfers) {
    keys.insert(key_of(figure, transfer));
    sizes.insert(figure.x(transfer));
    auto known = std::ranges::find(operations, transfer.operation, [](const auto& entry) { return entry.first; });
    if (known == operations.end()) known = operations.insert(known, {transfer.operation, {}});
    known->second.push_back(&transfer);
  }
  const auto names = line_names(keys);
  for (const auto& [operation, members] : operations) {
    chart.panels.push_back({.title = figure.titled ? operation : "", .lines = lines_of(figure, members, names)});
  }
  for (const double size : sizes) chart.tics.push_back({.x = size, .text = tic_text(figure, size)});
  chart.note = kNote;
  return draw_line_chart(chart, path);
}

Result<void> check_operation(std::span<const Transfer> transfers, std::string_view only) {
  for (const Transfer& transfer : transfers) {
    if (transfer.operation == only) continue;
    const bool is_other = transfer.operation == "pair" || transfer.operation == "throughput";
    if (only.empty() && !is_other) continue;
    return fail(ErrorCode::kInvalid, fmt::format("there are rows of the operation '{}'; draw them with gust plot {}",
                                                 transfer.operation, is_other ? transfer.operation : "collective"));
  }
  return {};
}

std::string with(std::string title, const std::string& what) { return what.empty() ? title : title + ", " + what; }

}  // namespace

Result<void> draw_pair(std::span<const Transfer> transfers, const std::filesystem::path& path) {
  GUST_TRY_VOID(check_operation(transfers, "pair"));
  const Figure figure{.x = [](const Transfer& t) { return static_cast<double>(t.chunk_bytes.count()); },
                      .y = [](const Transfer& t) { return t.mib_per_second(); },
                      .x_is_chunk = true};
  LineChart chart;
  chart.title = with("One worker to another", common(transfers, false));
  chart.x_label = "Chunk size";
  chart.y_label = "Throughput (MiB/s)";
  return draw(figure, transfers, std::move(chart), path);
}

Result<void> draw_throughput(std::span<const Transfer> transfers, const std::filesystem::path& path) {
  GUST_TRY_VOID(check_operation(transfers, "throughput"));
  const Figure figure{.x = [](const Transfer& t) { return static_cast<double>(t.workers); },
                      .y = [](const Transfer& t) { return t.mib_per_second(); },
                      .x_is_workers = true};
  LineChart chart;
  chart.title = with("Pairs of two packs, together", common(transfers, false));
  chart.x_label = "Burst size (workers)";
  chart.y_label = "Throughput (MiB/s)";
  return draw(figure, transfers, std::move(chart), path);
}

Result<void> draw_collectives(std::span<const Transfer> transfers, const std::filesystem::path& path) {
  GUST_TRY_VOID(check_operation(transfers, ""));
  const auto [least, most] = std::ranges::minmax(transfers, {}, &Transfer::seconds);
  const TimeScale scale = time_scale(most.seconds);
  const Figure figure{.x = [](const Transfer& t) { return static_cast<double>(t.granularity); },
                      .y = [&scale](const Transfer& t) { return t.seconds * scale.per_second; },
                      .titled = true};
  LineChart chart;
  chart.title = with("Operations of all workers", common(transfers, true));
  chart.x_label = "Granularity (workers per pack)";
  chart.y_label = fmt::format("Time ({})", scale.unit);
  if (most.seconds > kWide * least.seconds) chart.axis = ValueAxis::kLogarithmic;
  return draw(figure, transfers, std::move(chart), path);
}

}  // namespace gust::stats
