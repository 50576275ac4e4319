// A container's config.json, as an OCI runtime reads it: the same isolation that the sandbox driver makes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "container/driver.h"
#include "container/sandbox/namespaces.h"

namespace gust::container {

/// A file or directory of the host that containers see, read-only.
struct ShownPath {
  std::string host;    ///< absolute
  std::string inside;  ///< absolute; exists in the root
};

/// What the containers of one image have in common.
struct OciRoot {
  std::string path;                ///< absolute
  std::string directory = "/tmp";  ///< where the pack begins
  std::vector<ShownPath> shown;
};

struct OciContainer {
  const OciRoot& root;
  const Limits& limits;
  const std::vector<std::string>& environment;
  std::uint32_t user = 0;  ///< and group, of the host
  std::string cgroup;      ///< absolute below the root of each hierarchy
  Network network = Network::kHost;
};

Json runtime_config(const OciContainer& container);

}  // namespace gust::container
