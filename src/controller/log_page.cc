#include "controller/log_page.h"

#include <algorithm>

namespace gust::controller {

namespace {

/// A flare that came back from a store has only its packs' logs.
std::vector<store::LogPiece> pieces_of(const store::FlareRecord& flare) {
  if (!flare.log_order.empty()) return flare.log_order;
  std::vector<store::LogPiece> pieces;
  for (std::uint32_t pack = 0; pack < flare.packs.size(); ++pack) {
    pieces.push_back({.pack = pack, .lines = static_cast<std::uint32_t>(flare.packs[pack].logs.size())});
  }
  return pieces;
}

}  // namespace

LogPage read_log_page(const store::FlareRecord& flare, WorkerRange workers, std::uint64_t from, Bytes limit) {
  LogPage page;
  std::uint64_t size = 0;
  std::vector<std::size_t> read(flare.packs.size());  // lines of each pack so far
  for (const store::LogPiece& piece : pieces_of(flare)) {
    const store::PackRecord& pack = flare.packs[piece.pack];
    std::size_t& line = read[piece.pack];
    const std::uint64_t skipped = std::min<std::uint64_t>(piece.lines, from - std::min(from, page.next));
    line += skipped;
    page.next += skipped;
    const bool wanted = workers.contains(pack.workers.first);
    for (std::uint64_t i = skipped; i < piece.lines; ++i, ++line, ++page.next) {
      if (!wanted) continue;
      if (size >= limit.count()) return page;
      page.lines.push_back(pack.logs[line]);
      size += pack.logs[line].text.size() + sizeof(store::LogLine);
    }
  }
  page.ended = has_ended(flare.state);
  return page;
}

}  // namespace gust::controller
