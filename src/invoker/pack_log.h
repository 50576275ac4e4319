// What a pack writes to its standard output and error, cut into lines.
#pragma once

#include <array>
#include <google/protobuf/repeated_ptr_field.h>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "protocol/control.pb.h"

namespace gust::invoker {

enum class OutputStream : std::uint8_t { kStdout = 0, kStderr = 1 };

/// Keeps at most `limit` of a pack's output; then one line says so, and the rest is dropped. Not thread-safe.
class PackLog {
 public:
  /// Longer lines are cut into several.
  static constexpr std::size_t kMaxLine = 16 << 10;
  /// What a line costs of the limit beside its text: the stamp and stream name that it is shown with. Without this, a
  /// flood of empty lines would be kept.
  static constexpr std::size_t kLineOverhead = 40;
  /// Enough to be worth a report before the pack's end.
  static constexpr std::size_t kPieceBytes = 64 << 10;

  explicit PackLog(Bytes limit) : left_(limit.count()), limit_(limit) {}

  void append(OutputStream stream, std::string_view bytes, WallTime now);
  /// Both streams have ended: what stands without a line's end is a line, too.
  void close(WallTime now);

  [[nodiscard]] bool has_lines() const { return !lines_.empty(); }
  [[nodiscard]] bool has_piece() const { return kept_bytes_ >= kPieceBytes; }
  /// Moves the lines so far to the end of `lines`.
  void take(google::protobuf::RepeatedPtrField<protocol::LogLine>& lines);

 private:
  void add_line(OutputStream stream, std::string_view text, WallTime now);

  std::array<std::string, 2> partial_;
  google::protobuf::RepeatedPtrField<protocol::LogLine> lines_;
  std::size_t kept_bytes_ = 0;  // of lines_
  std::uint64_t left_;
  Bytes limit_;
  bool cut_ = false;
};

}  // namespace gust::invoker
