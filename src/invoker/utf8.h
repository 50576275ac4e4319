// Text that comes from user code may hold any bytes; text that goes on to people and into messages is UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace gust::invoker {

/// The same text with every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
std::string to_utf8(std::string_view bytes);

}  // namespace gust::invoker
