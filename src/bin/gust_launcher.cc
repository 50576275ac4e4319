// The process that creates an invoker's containers. It is started by the invoker's container driver.
#include <unistd.h>

#include "container/launcher/main.h"

#ifdef GUST_RESIDENT_PACK
#include "base/clock.h"
#include "pack/run.h"
#endif

namespace {

#ifdef GUST_RESIDENT_PACK
void run_pack(const gust::container::PackArguments& arguments) {
  const gust::WallTime entered = gust::wall_now();
  if (arguments.prewarmed) gust::pack::run_prewarmed(*arguments.prewarmed, arguments.binary);
  _exit(gust::pack::run_pack(entered, arguments.binary));
}
constexpr auto* kRunPack = run_pack;
#else
constexpr void (*kRunPack)(const gust::container::PackArguments&) = nullptr;
#endif

}  // namespace

int main(int argc, char** argv) { return gust::container::launcher_main(argc, argv, kRunPack); }
