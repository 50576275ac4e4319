// What gust-launcher does, whatever its packs are.
#pragma once

#include "container/launcher/child.h"

namespace gust::container {

/// Its whole main. With `run_pack` (ResidentPack::run) and the argument `fork` packs are forked, otherwise executed.
int launcher_main(int argc, char** argv, void (*run_pack)(const PackArguments& arguments));

}  // namespace gust::container
