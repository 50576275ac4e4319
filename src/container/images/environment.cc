#include "container/images/environment.h"

#include <algorithm>
#include <string_view>

namespace gust::container {
namespace {

std::string_view name_of(std::string_view variable) { return variable.substr(0, variable.find('=')); }

}  // namespace

std::vector<std::string> with_image_environment(const Image& image, std::vector<std::string> pack) {
  for (const std::string& variable : image.environment) {
    const std::string_view name = name_of(variable);
    const auto same = [&](const std::string& other) { return name_of(other) == name; };
    const auto found = std::ranges::find_if(pack, same);
    if (found == pack.end()) {
      pack.push_back(variable);
    } else if (name == "PATH" || name == "LANG") {
      *found = variable;
    }
  }
  if (!image.command.empty()) {
    std::string words;
    for (const std::string& word : image.command) words += (words.empty() ? "" : "\x1f") + word;
    pack.push_back("GUST_IMAGE_COMMAND=" + words);
  }
  return pack;
}

}  // namespace gust::container
