#include "base/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>

#include "base/fd.h"
#include "base/ids.h"
#include "base/write_all.h"

namespace gust {

namespace {

std::unexpected<Error> cannot(std::string_view what, std::string_view path, int error_number) {
  return fail(ErrorCode::kInvalid, fmt::format("cannot {} {}: {}", what, path, std::strerror(error_number)));
}

}  // namespace

Result<std::string> read_whole_file(const std::filesystem::path& path, Bytes limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return cannot("read", path.native(), errno);
  return read_to_end(fd.get(), path.native(), limit);
}

Result<std::string> read_to_end(int fd, std::string_view name, Bytes limit) {
  std::string content;
  std::array<char, 1 << 16> piece{};
  for (;;) {
    const ssize_t count = ::read(fd, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot("read", name, errno);
    if (count == 0) return content;
    content.append(piece.data(), static_cast<std::size_t>(count));
    if (content.size() > limit.count()) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} is larger than the {} that is read at most", name, to_string(limit)));
    }
  }
}

Result<void> write_whole_file(const std::filesystem::path& path, std::string_view content) {
  std::error_code ignored;
  const bool exists = std::filesystem::exists(path, ignored);
  if (std::filesystem::is_directory(path, ignored)) return cannot("write", path.native(), EISDIR);
  // Devices and pipes are written through; a rename would replace them.
  if (exists && !std::filesystem::is_regular_file(path, ignored)) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return cannot("write", path.native(), errno);
    return write_all(fd.get(), content);
  }
  // A link stays a link: what it points to is replaced.
  const std::filesystem::path target = exists ? std::filesystem::canonical(path, ignored) : path;
  const std::string temporary = target.string() + "." + random_hex_id().substr(0, 8);
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd) return cannot("write", path.native(), errno);
  auto written = write_all(fd.get(), content);
  if (written && ::close(fd.release()) != 0) written = cannot("write", path.native(), errno);
  if (written && ::rename(temporary.c_str(), target.c_str()) != 0) written = cannot("write", path.native(), errno);
  if (!written) ::unlink(temporary.c_str());
  return written;
}

Result<void> write_secret_file(const std::filesystem::path& path, std::string_view content) {
  const std::string temporary = path.string() + "." + random_hex_id().substr(0, 8);
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return cannot("write", path.native(), errno);
  auto written = write_all(fd.get(), content);
  if (written && (::fsync(fd.get()) != 0 || ::close(fd.release()) != 0))
    written = cannot("write", path.native(), errno);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) written = cannot("write", path.native(), errno);
  if (!written) ::unlink(temporary.c_str());
  return written;
}

}  // namespace gust
