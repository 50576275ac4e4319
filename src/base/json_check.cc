#include <simdjson.h>

#include "base/json.h"

namespace gust {

namespace {

// A parser keeps memory for the largest text that it has seen, several times as much.
constexpr std::size_t kKeptText = std::size_t{1} << 20;

bool is_json(simdjson::dom::parser& parser, std::string_view text) {
  return parser.allocate(std::max(text.size(), kKeptText), kMaxJsonDepth) == simdjson::SUCCESS &&
         parser.parse(text.data(), text.size()).error() == simdjson::SUCCESS;
}

}  // namespace

Result<void> check_json(std::string_view text, std::string_view what) {
  if (text.size() > kKeptText) {
    simdjson::dom::parser parser;
    if (is_json(parser, text)) return {};
  } else {
    thread_local simdjson::dom::parser parser;
    if (is_json(parser, text)) return {};
  }
  GUST_TRY(parse_json(text, what));  // knows what is wrong with it
  return {};
}

}  // namespace gust
