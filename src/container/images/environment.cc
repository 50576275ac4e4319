#include "container/images/environment.h"

#include <algorithm>
#include <string_view>

namespace gust::container {
namespace {

std::string_view name_of(std::string_view variable) { return variable.substr(0, variable.find('=')); }

}  // namespace

std::vector<std::string> with_image_environment(const std::vector<std::string>& image, std::vector<std::string> pack) {
  for (const std::string& variable : image) {
    const std::string_view name = name_of(variable);
    const auto same = [&](const std::string& other) { return name_of(other) == name; };
    const auto found = std::ranges::find_if(pack, same);
    if (found == pack.end()) {
      pack.push_back(variable);
    } else if (name == "PATH" || name == "LANG") {
      *found = variable;
    }
  }
  return pack;
}

}  // namespace gust::container
