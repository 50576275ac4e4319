#include "pack/server/server_output.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/write_all.h"

namespace gust::pack {

namespace {

/// Longer lines are cut, as the invoker cuts them anyway.
constexpr std::size_t kLongestLine = 16 << 10;

}  // namespace

ServerOutput::ServerOutput(UniqueFd stream, int to, std::string mark)
    : stream_(std::move(stream)), to_(to), mark_(std::move(mark)) {}

bool ServerOutput::read() {
  std::array<char, 64 << 10> buffer;  // not initialised: only what arrived is looked at
  while (true) {
    const ssize_t got = ::read(fd(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) break;
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    for (std::size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
      partial_ += bytes.substr(0, end);
      bytes.remove_prefix(end + 1);
      take_line(std::exchange(partial_, {}));
    }
    partial_ += bytes;
    if (partial_.size() > kLongestLine) flush();
  }
  ended_ = true;
  flush();
  return false;
}

void ServerOutput::flush() {
  if (!partial_.empty()) write(std::exchange(partial_, {}));
}

// It may follow what user code has printed without a line's end.
void ServerOutput::take_line(std::string_view line) {
  std::string_view text = line;
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (!text.ends_with(kSentinel)) return write(line);
  ++sentinels_;
  text.remove_suffix(kSentinel.size());
  if (!text.empty()) write(text);
}

void ServerOutput::write(std::string_view line) {
  std::string text = mark_;
  text += line;
  text += '\n';
  // When nobody reads any more there is nobody to tell.
  static_cast<void>(write_all(to_, text));
}

}  // namespace gust::pack
