// One measured iteration of a communication benchmark: a row of a transfer file.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace gust::stats {

/// A member is named as its column.
struct Transfer {
  std::string operation;          ///< pair, throughput, broadcast, all-to-all, ...
  std::string backend;            ///< what carried it between packs: tcp, redis-list, ...
  std::uint32_t workers = 0;      ///< burst size
  std::uint32_t granularity = 0;  ///< workers a pack; the last may have fewer
  Bytes payload_bytes;            ///< of one message, as `gust bench --help` says for each operation
  Bytes chunk_bytes;              ///< in which it travels
  std::uint32_t run = 1;          ///< repeat of the experiment
  std::uint32_t iteration = 0;    ///< from 0; those that warm up have no rows
  Bytes total_bytes;              ///< payload of all workers together; 0 where there is none to speak of (barrier)
  double seconds = 0;             ///< from the first worker that began to the last that ended

  /// MiB a second of all workers together; 0 where nothing is carried.
  [[nodiscard]] double mib_per_second() const {
    return seconds > 0 ? static_cast<double>(total_bytes.count()) / (1 << 20) / seconds : 0;
  }
};

}  // namespace gust::stats
