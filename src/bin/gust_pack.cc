// The process that runs inside a container. It is started by an invoker, once for each pack.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>
#include <sys/auxv.h>

#include "base/clock.h"
#include "pack/floor.h"
#include "pack/prewarm.h"
#include "pack/run.h"

namespace {

constexpr char kUsage[] =
    "gust-pack runs the workers of one pack. It is started by `gust invoker`, with a socket as file descriptor 3,\n"
    "and is of no use by hand; try `gust up` and `gust flare`.\n"
    "\n"
    "  gust-pack --version\n"
    "  gust-pack --prewarmed THREADS           wait on file descriptor 3 for a flare: for gust-launcher\n"
    "  gust-pack --prewarmed-python FOLDER     the same, with an interpreter; empty for the first python3\n"
    "  gust-pack --floor THREADS --stamps FD [--first INDEX] [--at-signal 1]   only create threads: for `gust bench "
    "floor`\n";

template <class Number>
bool parse(const char* text, Number& value) {
  const char* end = text + std::strlen(text);
  const auto [at, error] = std::from_chars(text, end, value);
  return error == std::errc() && at == end;
}

std::optional<gust::pack::FloorOptions> floor_options(int argc, char** argv) {
  gust::pack::FloorOptions options;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (i + 1 == argc) return std::nullopt;
    const char* value = argv[i + 1];
    const bool good = (name == "--floor" && parse(value, options.threads)) ||
                      (name == "--stamps" && parse(value, options.stamps_fd)) ||
                      (name == "--first" && parse(value, options.first)) ||
                      (name == "--at-signal" && parse(value, options.at_signal));
    if (!good) return std::nullopt;
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const gust::WallTime entered = gust::wall_now();
  // As it was executed, by an absolute path.
  const auto* const self = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  if (argc == 1) {
    const int code = gust::pack::run_pack(entered, self);
    std::fputs(kUsage, stderr);
    return code;
  }
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    std::puts("gust-pack " GUST_VERSION);
    return 0;
  }
  if (argc == 3 && std::string_view(argv[1]) == gust::pack::kPrewarmedPythonFlag) {
    gust::pack::run_prewarmed({.threads = 0, .python = argv[2]}, self);
  }
  if (std::uint32_t threads = 0; argc == 3 && std::string_view(argv[1]) == gust::pack::kPrewarmedFlag) {
    if (parse(argv[2], threads)) gust::pack::run_prewarmed({.threads = threads}, self);
  }
  const auto options = floor_options(argc, argv);
  if (!options) {
    std::fputs(kUsage, stderr);
    return gust::pack::kExitNoInvoker;
  }
  return gust::pack::run_floor(*options);
}
