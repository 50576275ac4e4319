// Reading the logs of a flare piece by piece, while its packs write them and afterwards.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "store/records.h"

namespace gust::controller {

/// Lines of a flare's packs, or of one activation's, that came after the first `from`.
struct LogQuery {
  std::variant<FlareId, ActivationId> of;
  std::uint64_t from = 0;  ///< 0, or `next` of the page before: it counts the lines of all of the flare's packs
};

struct LogPage {
  std::vector<store::LogLine> lines;  ///< in the order in which they came; those of one pack in that of its output
  std::uint64_t next = 0;             ///< where the next page begins
  bool ended = false;                 ///< nothing will come any more, and this page holds the last there is
};

/// About so much text is in a page, so that reading it holds up nobody.
inline constexpr Bytes kLogPage = Bytes::mb(1);

/// A page of those lines that packs of `workers` wrote. One that is empty, is not `ended` and moves `next` on is
/// possible.
LogPage read_log_page(const store::FlareRecord& flare, WorkerRange workers, std::uint64_t from, Bytes limit = kLogPage);
/// Of all its workers.
inline LogPage read_log_page(const store::FlareRecord& flare, std::uint64_t from) {
  return read_log_page(flare, {WorkerId(0), flare.burst_size}, from);
}

}  // namespace gust::controller
