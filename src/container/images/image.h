// An image: a root file system that was unpacked once and is shown, read-only, to every pack of the actions that name
// it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace gust::container {

struct Image {
  std::string digest;                    ///< SHA-256, hex: of the archive, or of the image's OCI configuration
  std::filesystem::path root;            ///< absolute
  std::string source;                    ///< what it was imported from
  std::vector<std::string> environment;  ///< NAME=value, as the image has it
  std::vector<std::string> command;      ///< entry point and arguments; empty where the image has none
  std::string working_directory;         ///< absolute; empty where the image has none
  Bytes size;                            ///< of its files
};

}  // namespace gust::container
