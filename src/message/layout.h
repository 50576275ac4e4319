// Which worker of a flare is in which pack.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace gust::message {

/// Constant while the flare runs. Packs are contiguous ranges of worker ids.
class Layout {
 public:
  /// `pack_first_worker` of every pack, ascending from 0.
  Layout(std::uint32_t burst_size, std::vector<std::uint32_t> pack_first_worker, PackId self)
      : burst_size_(burst_size), first_(std::move(pack_first_worker)), self_(self) {}

  [[nodiscard]] std::uint32_t burst_size() const { return burst_size_; }
  [[nodiscard]] std::uint32_t packs() const { return static_cast<std::uint32_t>(first_.size()); }
  [[nodiscard]] PackId self() const { return self_; }
  [[nodiscard]] WorkerRange range(PackId pack) const {
    const std::uint32_t p = pack.value();
    const std::uint32_t end = p + 1 < first_.size() ? first_[p + 1] : burst_size_;
    return {WorkerId(first_[p]), end - first_[p]};
  }
  [[nodiscard]] WorkerRange local() const { return range(self_); }
  [[nodiscard]] PackId pack_of(WorkerId worker) const {
    const auto next = std::ranges::upper_bound(first_, worker.value());
    return PackId(static_cast<std::uint32_t>(next - first_.begin() - 1));
  }
  /// "pack 2 (workers 96 to 143)".
  [[nodiscard]] std::string name(PackId pack) const {
    const WorkerRange workers = range(pack);
    std::string text = "pack " + std::to_string(pack.value()) + " (worker";
    text += workers.count == 1 ? " " : "s ";
    text += std::to_string(workers.first.value());
    if (workers.count > 1) text += " to " + std::to_string(workers.end() - 1);
    return text + ")";
  }

 private:
  std::uint32_t burst_size_;
  std::vector<std::uint32_t> first_;
  PackId self_;
};

}  // namespace gust::message
