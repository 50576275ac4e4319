// A root for OCI containers that have no image: the host's programs and libraries, as the sandbox driver shows them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "container/oci/runtime_config.h"

namespace gust::container {

/// Makes a directory of links, copies and places to mount on, anew, and says what is to be shown in it: `folders`,
/// absolute, beside the programs.
Result<OciRoot> make_host_root(const std::filesystem::path& directory, const std::vector<std::string>& folders);

}  // namespace gust::container
