// Where tests put what containers are to see of the host.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/ids.h"

namespace gust::container::testing {

/// A name for a new folder beside the test program; in the home directory or /opt where that one lies below /tmp, of
/// which containers have their own.
inline std::filesystem::path visible_folder(const std::string& prefix) {
  namespace fs = std::filesystem;
  const char* home = std::getenv("HOME");
  const std::array<fs::path, 3> places{fs::read_symlink("/proc/self/exe").parent_path(), home == nullptr ? "" : home,
                                       "/opt"};
  const auto fits = [](const fs::path& place) {
    const std::string text = place.string() + "/";
    return !text.starts_with("/tmp/") && !text.starts_with("/var/tmp/") && ::access(place.c_str(), W_OK) == 0;
  };
  const auto place = std::ranges::find_if(places, fits);
  return (place == places.end() ? places.front() : *place) / (prefix + "-" + random_hex_id());
}

}  // namespace gust::container::testing
