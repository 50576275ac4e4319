#include "objectstore/file/names.h"

#include <string_view>

namespace gust::objectstore {

namespace {

constexpr std::string_view kDigits = "0123456789ABCDEF";
constexpr const char* kEmptyFile = "%%";  // a key that ends with a slash

std::string encode(std::string_view part) {
  std::string name;
  for (const char c : part) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '%' || c == '\\' || c == ':') {
      name += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      name += c;
    }
  }
  return name;
}

std::optional<std::string> decode(std::string_view name) {
  std::string part;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '%') {
      part += name[i];
      continue;
    }
    if (i + 2 >= name.size()) return std::nullopt;
    const std::size_t high = kDigits.find(name[i + 1]);
    const std::size_t low = kDigits.find(name[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    part += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return part;
}

}  // namespace

std::filesystem::path path_of_key(const std::string& key) {
  std::string path;
  std::size_t begin = 0;
  for (std::size_t slash = key.find('/'); slash != std::string::npos; slash = key.find('/', begin)) {
    path += encode(std::string_view(key).substr(begin, slash - begin)) + "%/";
    begin = slash + 1;
  }
  const std::string file = encode(std::string_view(key).substr(begin));
  return path + (file.empty() ? kEmptyFile : file);
}

std::optional<std::string> part_of_folder(const std::string& name) {
  if (!name.ends_with('%')) return std::nullopt;
  return decode(std::string_view(name).substr(0, name.size() - 1));
}

std::optional<std::string> part_of_file(const std::string& name) {
  if (name == kEmptyFile) return "";
  return decode(name);
}

}  // namespace gust::objectstore
