#include "container/launcher/main.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <sys/stat.h>
#include <utility>

#include "container/launcher/descriptors.h"
#include "container/launcher/launcher.h"
#include "container/launcher/own_code.h"
#include "container/oci/keeper/keeper.h"

namespace gust::container {
namespace {

constexpr char kUsage[] =
    "gust-launcher creates the containers of one invoker. It is started by `gust invoker`, with a socket as file\n"
    "descriptor 3, and is of no use by hand; try `gust up`.\n"
    "\n"
    "  gust-launcher process PACK_BINARY DIRECTORY fork|exec PREWARMED THREADS INTERPRETERS PYTHON\n"
    "  gust-launcher sandbox PACK_BINARY DIRECTORY fork|exec PREWARMED THREADS INTERPRETERS PYTHON CODE_DIRECTORY\n"
    "                        host|none IMAGE_ROOT WORKING_DIRECTORY [FOLDER…]\n"
    "  gust-launcher oci PACK_BINARY DIRECTORY RUNTIME\n"
    "  gust-launcher --version\n";

constexpr int kSocket = 3;

std::uint32_t number(const char* text) { return static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10)); }

bool is_socket(int descriptor) {
  struct stat status{};
  return fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

/// The kernel puts them one behind the other.
std::span<char> memory_of(int argc, char** argv) {
  char* const last = argv[argc - 1];
  return {argv[0], last + std::strlen(last)};
}

}  // namespace

int launcher_main(int argc, char** argv, void (*run_pack)(const PackArguments& arguments)) {
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    std::puts("gust-launcher " GUST_VERSION);
    return 0;
  }
  const std::string_view kind = argc > 1 ? argv[1] : "";
  const bool sandbox = kind == "sandbox" && argc >= 13;
  const bool oci = kind == "oci" && argc == 5;
  if ((!sandbox && !oci && (kind != "process" || argc != 9)) || !is_socket(kSocket)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  UniqueFd socket = move_up(kSocket);
  UniqueFd log = move_up(STDERR_FILENO);
  if (oci) return run_keeper(std::move(socket), std::move(log), {.directory = argv[3], .runtime = argv[4]});
  const bool none = sandbox && std::string_view(argv[10]) == "none";
  ResidentPack pack;
  if (run_pack != nullptr && std::string_view(argv[4]) == "fork") {
    pack = {.run = run_pack, .title = memory_of(argc, argv)};
    make_code_inheritable();
  }
  Launcher launcher(std::move(socket), std::move(log));
  return launcher.run({.isolation = sandbox ? Isolation::kSandbox : Isolation::kNone,
                       .pack_binary = argv[2],
                       .directory = argv[3],
                       .code_directory = sandbox ? argv[9] : "",
                       .network = none ? Network::kNone : Network::kHost,
                       .image_root = sandbox ? argv[11] : "",
                       .image_directory = sandbox ? argv[12] : "",
                       .shown = sandbox ? std::span(argv + 13, argv + argc) : std::span<char*>(),
                       .prewarm = {.containers = number(argv[5]),
                                   .threads = number(argv[6]),
                                   .interpreters = number(argv[7]),
                                   .python = argv[8]},
                       .pack = pack});
}

}  // namespace gust::container
