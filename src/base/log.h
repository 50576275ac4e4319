// The log: structured lines on standard error, through spdlog's default logger. Set up once, by main.
#pragma once

#include <string_view>

namespace gust {

/// `name` stands in every line. `level` is one of debug, info, warning, error, off.
void set_up_log(std::string_view name, std::string_view level);

}  // namespace gust
