#include "invoker/pack_log.h"

#include <algorithm>

#include "invoker/utf8.h"

namespace gust::invoker {

void PackLog::append(OutputStream stream, std::string_view bytes, WallTime now) {
  std::string& partial = partial_.at(static_cast<std::size_t>(stream));
  while (!cut_ && !bytes.empty()) {
    const std::size_t room = kMaxLine - partial.size();
    const std::size_t end = bytes.substr(0, room).find('\n');
    const std::size_t taken = end == std::string_view::npos ? std::min(room, bytes.size()) : end;
    partial += bytes.substr(0, taken);
    bytes.remove_prefix(end == std::string_view::npos ? taken : taken + 1);
    if (end != std::string_view::npos || partial.size() == kMaxLine) {
      add_line(stream, partial, now);
      partial.clear();
    }
  }
}

void PackLog::close(WallTime now) {
  for (const OutputStream stream : {OutputStream::kStdout, OutputStream::kStderr}) {
    std::string& partial = partial_.at(static_cast<std::size_t>(stream));
    if (!partial.empty()) add_line(stream, partial, now);
    partial.clear();
  }
}

void PackLog::take(google::protobuf::RepeatedPtrField<protocol::LogLine>& lines) {
  lines.MergeFrom(lines_);
  lines_.Clear();
  kept_bytes_ = 0;
}

void PackLog::add_line(OutputStream stream, std::string_view text, WallTime now) {
  if (cut_) return;
  protocol::LogLine& line = *lines_.Add();
  line.set_stamp_us(to_micros(now));
  const std::size_t cost = text.size() + kLineOverhead;
  cut_ = cost > left_;
  if (cut_) {
    line.set_is_stderr(true);
    line.set_text("the log was cut here: this pack wrote more than " + to_string(limit_) +
                  "; raise limits.logs to keep more");
  } else {
    line.set_is_stderr(stream == OutputStream::kStderr);
    line.set_text(to_utf8(text));
    left_ -= cost;
  }
  kept_bytes_ += line.text().size() + kLineOverhead;
}

}  // namespace gust::invoker
