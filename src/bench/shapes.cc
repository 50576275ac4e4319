#include "bench/shapes.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gust::bench {

namespace {

// The widest numbers that a reduction adds.
constexpr std::uint64_t kElementBytes = 8;

bool is_reduction(std::string_view operation) { return operation == "reduce" || operation == "all-reduce"; }

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> entries;
  while (true) {
    const std::size_t comma = text.find(',');
    entries.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return entries;
    text.remove_prefix(comma + 1);
  }
}

Result<std::vector<std::uint32_t>> parse_counts(std::string_view text, std::string_view what) {
  std::vector<std::uint32_t> counts;
  for (const std::string_view entry : split(text)) {
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(entry.data(), entry.data() + entry.size(), count);
    if (error != std::errc() || end != entry.data() + entry.size() || count == 0) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} '{}' is not a whole number from 1 on; write for example 8,48", what, entry));
    }
    counts.push_back(count);
  }
  return counts;
}

// What a message carries, and how.
struct Cargo {
  Bytes payload;
  std::optional<Bytes> chunk;
};

// One entry that says nothing when the text is empty.
Result<std::vector<std::optional<Bytes>>> parse_chunks(std::string_view text) {
  if (text.empty()) return std::vector<std::optional<Bytes>>(1);
  std::vector<std::optional<Bytes>> chunks;
  for (const std::string_view entry : split(text)) {
    const auto size = parse_bytes(entry);
    if (!size) return std::unexpected(size.error().while_doing("chunk size"));
    if (size->count() == 0 || size->count() % kKib != 0) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("chunk size '{}' is not a multiple of 1 KiB from 1 KiB on; write for example 64KiB,1MiB", entry));
    }
    chunks.emplace_back(*size);
  }
  return chunks;
}

// All payloads in all chunkings.
Result<std::vector<Cargo>> parse_cargoes(std::string_view payloads, std::string_view chunks) {
  const auto chunkings = GUST_TRY(parse_chunks(chunks));
  std::vector<Cargo> cargoes;
  for (const std::string_view entry : split(payloads)) {
    const auto size = parse_bytes(entry);
    if (!size) return std::unexpected(size.error().while_doing("payload"));
    for (const std::optional<Bytes> chunk : chunkings) cargoes.push_back({.payload = *size, .chunk = chunk});
  }
  return cargoes;
}

Result<std::vector<std::string>> parse_names(std::string_view text) {
  const std::vector<std::string>& known = collective_names();
  if (text == "all") return known;
  std::vector<std::string> names;
  for (const std::string_view entry : split(text)) {
    if (std::ranges::count(known, entry) == 0) {
      return fail(ErrorCode::kInvalid, fmt::format("there is no collective '{}'; there are {}, and all for all of them",
                                                   entry, fmt::join(known, ", ")));
    }
    names.emplace_back(entry);
  }
  return names;
}

}  // namespace

const std::vector<std::string>& collective_names() {
  static const std::vector<std::string> kNames = {"broadcast", "reduce",     "all-reduce", "gather",
                                                  "scatter",   "all-to-all", "barrier"};
  return kNames;
}

std::string Shape::name() const {
  std::string text =
      fmt::format("{}, {} workers in packs of {}, {}", operation, workers, granularity, to_string(payload));
  if (chunk) text += fmt::format(" in chunks of {}", to_string(*chunk));
  return text;
}

Bytes Shape::total() const {
  if (operation == "pair" || operation == "throughput") return payload * (workers / 2);
  if (operation == "barrier") return {};
  if (operation == "all-to-all") return payload * workers * workers;
  return payload * workers;
}

// What a message is made of and compared with counts as well as the message itself.
Bytes Shape::footprint() const {
  const std::uint64_t in_pack = std::min(workers, granularity);
  if (operation == "barrier") return {};
  if (operation == "all-to-all") return payload * (2 * in_pack * workers);
  if (operation == "gather" || operation == "scatter") return payload * (2 * (in_pack + workers));
  return payload * (3 * in_pack + 1);
}

Result<std::vector<Shape>> pair_shapes(std::string_view payloads, std::string_view chunks) {
  std::vector<Shape> shapes = GUST_TRY(throughput_shapes("2", payloads, chunks));
  for (Shape& shape : shapes) shape.operation = "pair";
  return shapes;
}

Result<std::vector<Shape>> throughput_shapes(std::string_view workers, std::string_view payloads,
                                             std::string_view chunks) {
  const std::vector<Cargo> cargoes = GUST_TRY(parse_cargoes(payloads, chunks));
  std::vector<Shape> shapes;
  for (const std::uint32_t count : GUST_TRY(parse_counts(workers, "burst size"))) {
    if (count % 2 != 0) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("burst size {} is odd; pairs need an even number of workers", count));
    }
    for (const auto& [payload, chunk] : cargoes) {
      shapes.push_back(
          {.operation = "throughput", .workers = count, .granularity = count / 2, .payload = payload, .chunk = chunk});
    }
  }
  return shapes;
}

Result<std::vector<Shape>> collective_shapes(std::string_view names, std::string_view workers,
                                             std::string_view granularities, std::string_view payloads,
                                             std::string_view chunks) {
  const std::vector<std::uint32_t> sizes = GUST_TRY(parse_counts(workers, "burst size"));
  const std::vector<std::uint32_t> packings = GUST_TRY(parse_counts(granularities, "granularity"));
  const std::vector<Cargo> cargoes = GUST_TRY(parse_cargoes(payloads, chunks));
  std::vector<Shape> shapes;
  for (const std::string& name : GUST_TRY(parse_names(names))) {
    for (const std::uint32_t size : sizes) {
      for (const std::uint32_t granularity : packings) {
        for (const auto& [payload, chunk] : name == "barrier" ? std::vector<Cargo>(1) : cargoes) {
          if (is_reduction(name) && payload.count() % kElementBytes != 0) {
            return fail(ErrorCode::kInvalid,
                        fmt::format("payload {} of a {} is not a multiple of {} bytes, the size of a number",
                                    to_string(payload), name, kElementBytes));
          }
          shapes.push_back(
              {.operation = name, .workers = size, .granularity = granularity, .payload = payload, .chunk = chunk});
        }
      }
    }
  }
  return shapes;
}

}  // namespace gust::bench
