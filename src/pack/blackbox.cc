#include "pack/blackbox.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "base/fd.h"
#include "pack/code.h"
#include "pack/server/server_process.h"
#include "pack/unpack.h"

namespace gust::pack {

namespace {

constexpr std::string_view kPython = "python:3";

/// Empty when there is no code.
Result<std::string> first_bytes(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("open " + path, errno);
  std::array<char, 4> head{};
  const ssize_t got = ::read(file.get(), head.data(), head.size());
  return std::string(head.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
}

}  // namespace

Result<std::string> kind_to_run(const protocol::StartMessage& start) {
  if (start.kind != kBlackboxKind) return start.kind;
  const std::string head = GUST_TRY(first_bytes(start.code_path));
  if (head.starts_with("PK\x03\x04")) {
    if (has_entry(start.code_path, "__main__.py")) return std::string(kPython);
    if (has_entry(start.code_path, "exec")) return std::string(kNativeKind);
  } else if (start.is_binary && (head.starts_with("\x7f"
                                                  "ELF") ||
                                 head.starts_with("#!"))) {
    return std::string(kNativeKind);
  }
  // GUST_PYTHON: a Python stands for the image.
  if (std::getenv("GUST_PYTHON") == nullptr && !server_command().empty()) return std::string(kHttpKind);
  if (!head.empty()) return std::string(kPython);
  return fail(ErrorCode::kInvalid,
              "the action has no code, and its image no command that would run without any; say one in the setting "
              "runtimes, such as NAME=image:NAME,http:/bin/proxy");
}

}  // namespace gust::pack
