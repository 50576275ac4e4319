#include "container/launcher/frames.h"

#include <cstring>

namespace gust::container {
namespace {

std::size_t text_size(std::span<const std::string> environment) {
  std::size_t size = 0;
  for (const std::string& variable : environment) size += variable.size() + 1;
  return (size + 7) & ~std::size_t{7};
}

/// Pointers to the strings in `text`, then null. Padding reads as empty strings, which no variable is.
std::vector<char*> split(std::span<char> text) {
  std::vector<char*> strings;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = strnlen(&text[at], text.size() - at);
    if (length != 0) strings.push_back(&text[at]);
    at += length + 1;
  }
  strings.push_back(nullptr);
  return strings;
}

}  // namespace

std::size_t start_size(std::span<const std::string> environment) { return sizeof(StartEntry) + text_size(environment); }

void append_start(std::string& packet, StartEntry entry, std::span<const std::string> environment) {
  entry.environment_size = static_cast<std::uint32_t>(text_size(environment));
  packet.append(reinterpret_cast<const char*>(&entry), sizeof entry);
  const std::size_t end = packet.size() + entry.environment_size;
  for (const std::string& variable : environment) packet.append(variable.c_str(), variable.size() + 1);
  packet.resize(end, '\0');
}

std::optional<LauncherHeader> read_header(std::string_view packet) {
  LauncherHeader header;
  if (packet.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, packet.data(), sizeof header);
  if (header.magic != kLauncherMagic) return std::nullopt;
  return header;
}

std::optional<std::vector<StartRequest>> read_starts(std::span<char> packet, std::size_t count) {
  std::vector<StartRequest> requests;
  std::span<char> rest = packet.subspan(sizeof(LauncherHeader));
  while (requests.size() < count) {
    StartRequest request;
    if (rest.size() < sizeof request.entry) return std::nullopt;
    std::memcpy(&request.entry, rest.data(), sizeof request.entry);
    rest = rest.subspan(sizeof request.entry);
    const std::size_t size = request.entry.environment_size;
    if (size > rest.size() || (size != 0 && rest[size - 1] != '\0')) return std::nullopt;
    request.environment = split(rest.first(size));
    rest = rest.subspan(size);
    requests.push_back(std::move(request));
  }
  if (!rest.empty()) return std::nullopt;
  return requests;
}

}  // namespace gust::container
