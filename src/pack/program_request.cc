#include "pack/program_request.h"

#include <cstdlib>
#include <string_view>

namespace gust::pack {

namespace {

/// Names of entities need no more escaping than this, and no name is to be able to do harm.
void append_member(std::string& text, std::string_view name, std::string_view value) {
  text += ",\"";
  text += name;
  text += "\":\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) text += c;
  }
  text += '"';
}

/// Parameters are JSON that was checked; only white space between their parts may break the line.
void append_params(std::string& text, std::string_view params) {
  if (params.empty()) params = "null";
  for (const char c : params) text += c == '\n' || c == '\r' ? ' ' : c;
}

}  // namespace

std::string program_request(const protocol::StartMessage& start) {
  const std::string_view params = start.params;
  std::string text;
  text.reserve(params.size() + 1024);
  text += start.is_single ? "{\"value\":" : "{\"value\":[";
  std::uint32_t begin = 0;
  for (const std::uint32_t end : start.params_end) {
    if (begin != 0) text += ',';
    append_params(text, params.substr(begin, end - begin));
    begin = end;
  }
  if (!start.is_single) text += ']';
  const char* version = std::getenv("__OW_ACTION_VERSION");
  append_member(text, "namespace", start.namespace_name);
  append_member(text, "action_name", start.action_name);
  append_member(text, "action_version", version != nullptr ? version : "");
  append_member(text, "activation_id", start.activation_id);
  append_member(text, "transaction_id", start.flare_id);
  append_member(text, "deadline", std::to_string(start.deadline_us / 1000));
  append_member(text, "invoker_id", std::to_string(start.invoker_id));
  if (!start.is_single) {
    const std::uint32_t first = start.workers.first.value();
    text += ",\"burst_info\":{\"pack\":[" + std::to_string(first) + "," + std::to_string(start.workers.end() - 1) +
            "],\"size\":" + std::to_string(start.burst_size) + "}";
    append_member(text, "middleware", start.backend);
  }
  text += "}\n";
  return text;
}

}  // namespace gust::pack
