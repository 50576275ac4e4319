// How an experiment tells people how far it is.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace gust::bench {

/// Called with what is being done now, and how many runs are done.
using Say = std::function<void(std::string_view stage, std::uint32_t done, std::uint32_t of)>;

}  // namespace gust::bench
