// What an image must have to run packs: the dynamic loader that gust-pack names, and a C library as new as the one that
// gust-pack was linked with. gust-pack cannot bring its own: user code is loaded into its process, and wants the
// image's.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace gust::container {

/// What a program of the host needs.
struct Requirements {
  std::string loader;        ///< absolute
  std::string libc_version;  ///< "GLIBC_2.34"; empty when it needs no symbol with a version
  int machine = 0;           ///< e_machine of its header
};

/// kInvalid for what is not a dynamically linked program.
Result<Requirements> requirements_of(const std::filesystem::path& program);

/// kInvalid, with what the image lacks and what would do, when the program could not start in it.
Result<void> check_image(const std::filesystem::path& root, const Requirements& needed);

}  // namespace gust::container
