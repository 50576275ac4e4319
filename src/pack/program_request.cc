#include "pack/program_request.h"

#include "pack/request_text.h"

namespace gust::pack {

std::string program_request(const protocol::StartMessage& start) {
  std::string text;
  text.reserve(start.params.size() + 1024);
  text += start.is_single ? "{\"value\":" : "{\"value\":[";
  for (std::uint32_t i = 0; i < start.workers.count; ++i) {
    if (i != 0) text += ',';
    append_params(text, params_of(start, i));
  }
  if (!start.is_single) text += ']';
  append_activation(text, start);
  if (!start.is_single) {
    text += ",\"burst_info\":{";
    append_burst(text, start);
    text += '}';
    append_member(text, "middleware", start.backend);
  }
  text += "}\n";
  return text;
}

}  // namespace gust::pack
