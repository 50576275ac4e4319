// What a communication benchmark measures: an operation, and the sizes that it depends on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace gust::bench {

inline constexpr std::uint64_t kKib = 1024;  ///< bytes; the unit of a chunk

/// One cell of an experiment's table.
struct Shape {
  std::string operation;  ///< as the worker knows it: pair, throughput, broadcast, ...
  std::uint32_t workers = 2;
  std::uint32_t granularity = 1;  ///< workers a pack; need not divide `workers`
  Bytes payload;
  std::optional<Bytes> chunk;  ///< whole KiB; without it: as the platform decides

  /// "all-to-all, 13 workers in packs of 5, 1 MB"
  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::uint32_t packs() const { return (workers + granularity - 1) / granularity; }
  /// Payload of all workers together: what each brings to a reduction or a gather, what each gets of the others.
  [[nodiscard]] Bytes total() const;
  /// Memory that the largest pack needs at most, beside what every process needs.
  [[nodiscard]] Bytes footprint() const;
};

/// The collectives that the worker knows, in the order of their table.
const std::vector<std::string>& collective_names();

// The shapes of each experiment: the product of what is given. Texts are lists with commas, "64KiB,1MiB". All errors
// are kInvalid, and say which entry is wrong.

/// One worker sends to another, each in a pack of its own.
Result<std::vector<Shape>> pair_shapes(std::string_view payloads, std::string_view chunks);

/// The workers of one pack, half of each burst, send to those of another, each to one.
Result<std::vector<Shape>> throughput_shapes(std::string_view workers, std::string_view payloads,
                                             std::string_view chunks);

/// `names` may be "all".
Result<std::vector<Shape>> collective_shapes(std::string_view names, std::string_view workers,
                                             std::string_view granularities, std::string_view payloads,
                                             std::string_view chunks);

}  // namespace gust::bench
