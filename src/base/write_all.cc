#include "base/write_all.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace gust {

Result<void> write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(ErrorCode::kInvalid, std::string("cannot write: ") + std::strerror(errno));
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace gust
