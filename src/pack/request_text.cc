#include "pack/request_text.h"

#include <cstdlib>

namespace gust::pack {

void append_json_string(std::string& text, std::string_view value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  text += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      text += "\\u00";
      text += kDigits[byte >> 4];
      text += kDigits[byte & 0xf];
      continue;
    }
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  text += '"';
}

void append_member(std::string& text, std::string_view name, std::string_view value) {
  text += ',';
  append_json_string(text, name);
  text += ':';
  append_json_string(text, value);
}

// Only white space between its parts may break the line.
void append_params(std::string& text, std::string_view params) {
  if (params.empty()) params = "null";
  for (const char c : params) text += c == '\n' || c == '\r' ? ' ' : c;
}

void append_activation(std::string& text, const protocol::StartMessage& start) {
  const char* version = std::getenv("__OW_ACTION_VERSION");
  append_member(text, "namespace", start.namespace_name);
  append_member(text, "action_name", start.action_name);
  append_member(text, "action_version", version != nullptr ? version : "");
  append_member(text, "activation_id", start.activation_id);
  append_member(text, "transaction_id", start.flare_id);
  append_member(text, "deadline", std::to_string(start.deadline_us / 1000));
  append_member(text, "invoker_id", std::to_string(start.invoker_id));
}

void append_burst(std::string& text, const protocol::StartMessage& start) {
  text += "\"pack\":[" + std::to_string(start.workers.first.value()) + "," + std::to_string(start.workers.end() - 1) +
          "],\"size\":" + std::to_string(start.burst_size);
}

std::string_view params_of(const protocol::StartMessage& start, std::uint32_t index) {
  const std::uint32_t begin = index == 0 ? 0 : start.params_end[index - 1];
  return std::string_view(start.params).substr(begin, start.params_end[index] - begin);
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += i <= group.size() ? kDigits[bits >> (18 - 6 * i) & 0x3f] : '=';
    }
  }
  return text;
}

}  // namespace gust::pack
