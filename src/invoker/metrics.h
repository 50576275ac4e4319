// What monitoring reads of an invoker: counts and distributions since its start, and how things stand now, in the text
// format of Prometheus and with its names and units (https://prometheus.io/docs/practices/naming/).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "protocol/control.pb.h"

namespace gust::invoker {

/// How things stand.
struct Standing {
  bool in_session = false;
  std::uint32_t slots = 0;
  Bytes memory;
  std::uint64_t packs = 0;
  std::uint32_t prewarmed = 0;  ///< empty containers that wait ready
  Bytes code;                   ///< packages that are kept
};

/// Only on the invoker's thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void session_begun();
  /// Its process exists, so long after the order.
  void pack_launched(std::chrono::microseconds after);
  void pack_ended(protocol::PackCause cause);

  [[nodiscard]] std::string text(const Standing& now) const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace gust::invoker
