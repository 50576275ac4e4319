// The small process that creates an invoker's containers. It is started by the invoker's container driver.
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <sys/stat.h>
#include <utility>

#include "container/launcher/descriptors.h"
#include "container/launcher/launcher.h"
#include "container/oci/keeper/keeper.h"

namespace {

constexpr char kUsage[] =
    "gust-launcher creates the containers of one invoker. It is started by `gust invoker`, with a socket as file\n"
    "descriptor 3, and is of no use by hand; try `gust up`.\n"
    "\n"
    "  gust-launcher process PACK_BINARY DIRECTORY PREWARMED THREADS\n"
    "  gust-launcher sandbox PACK_BINARY DIRECTORY PREWARMED THREADS CODE_DIRECTORY host|none\n"
    "                        IMAGE_ROOT WORKING_DIRECTORY [FOLDER…]\n"
    "  gust-launcher oci PACK_BINARY DIRECTORY RUNTIME\n"
    "  gust-launcher --version\n";

constexpr int kSocket = 3;

std::uint32_t number(const char* text) { return static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10)); }

bool is_socket(int descriptor) {
  struct stat status{};
  return fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    std::puts("gust-launcher " GUST_VERSION);
    return 0;
  }
  const std::string_view kind = argc > 1 ? argv[1] : "";
  const bool sandbox = kind == "sandbox" && argc >= 10;
  const bool oci = kind == "oci" && argc == 5;
  if ((!sandbox && !oci && (kind != "process" || argc != 6)) || !is_socket(kSocket)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  gust::UniqueFd socket = gust::container::move_up(kSocket);
  gust::UniqueFd log = gust::container::move_up(STDERR_FILENO);
  if (oci) {
    return gust::container::run_keeper(std::move(socket), std::move(log), {.directory = argv[3], .runtime = argv[4]});
  }
  gust::container::Launcher launcher(std::move(socket), std::move(log));
  return launcher.run({.isolation = sandbox ? gust::container::Isolation::kSandbox : gust::container::Isolation::kNone,
                       .pack_binary = argv[2],
                       .directory = argv[3],
                       .code_directory = sandbox ? argv[6] : "",
                       .network = sandbox && std::string_view(argv[7]) == "none" ? gust::container::Network::kNone
                                                                                 : gust::container::Network::kHost,
                       .image_root = sandbox ? argv[8] : "",
                       .image_directory = sandbox ? argv[9] : "",
                       .shown = sandbox ? std::span(argv + 10, argv + argc) : std::span<char*>(),
                       .prewarm = {.containers = number(argv[4]), .threads = number(argv[5])}});
}
