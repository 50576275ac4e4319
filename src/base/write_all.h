// Apart from files.h, so that gust-pack, which writes to descriptors only, links no library for it.
#pragma once

#include <string_view>

#include "base/result.h"

namespace gust {

/// All of it to an open descriptor. Blocks.
Result<void> write_all(int fd, std::string_view content);

}  // namespace gust
