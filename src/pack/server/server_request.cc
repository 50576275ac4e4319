#include "pack/server/server_request.h"

#include <unistd.h>

#include <cstdlib>

#include "pack/request_text.h"

namespace gust::pack {

std::string init_request(const protocol::StartMessage& start, std::string_view code) {
  const std::string_view whole = start.action_name;
  std::string text = R"({"value":{"name":)";
  append_json_string(text, whole.substr(whole.rfind('/') + 1));
  append_member(text, "main", start.main.empty() ? "main" : start.main);
  text += start.is_binary ? R"(,"binary":true,"code":)" : R"(,"binary":false,"code":)";
  if (code.empty()) {
    text += "null";
  } else if (start.is_binary) {
    text += '"' + base64(code) + '"';
  } else {
    append_json_string(text, code);
  }
  std::string variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    const std::size_t equals = variable.find('=');
    if (!variable.starts_with("__OW_") || equals == std::string_view::npos) continue;
    append_member(variables, variable.substr(0, equals), variable.substr(equals + 1));
  }
  if (!variables.empty()) variables.erase(0, 1);
  text += ",\"env\":{" + variables + "}}}";
  return text;
}

std::string run_request(const protocol::StartMessage& start, std::uint32_t index) {
  std::string text = "{\"value\":";
  append_params(text, params_of(start, index));
  append_activation(text, start);
  if (const char* host = std::getenv("__OW_API_HOST")) append_member(text, "api_host", host);
  if (!start.is_single) {
    text += ",\"burst_info\":{";
    append_burst(text, start);
    text += ",\"worker\":" + std::to_string(start.workers.first.value() + index) + "}";
  }
  text += '}';
  return text;
}

}  // namespace gust::pack
