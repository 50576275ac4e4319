// Compiles a worker's source into a shared object that any gust-pack can load.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace gust::cli {

struct BuildRequest {
  std::filesystem::path source;             ///< .c is compiled as C, everything else as C++
  std::filesystem::path output;             ///< empty for the source's name with .so, in the working directory
  std::string compiler;                     ///< empty for what the environment names, or what is installed
  std::vector<std::string> flags;           ///< after Gust's own, so that they win
  std::filesystem::path include_directory;  ///< that has gust/worker.h
};

/// The command that compiles into `output`. kInternal when no compiler is installed, kInvalid when the source, the
/// headers or the compiler that was named are missing.
Result<std::vector<std::string>> compile_command(const BuildRequest& request, const std::filesystem::path& output);

/// Compiles, looks at what came out, and only then puts it where it belongs; returns that path. The compiler's own
/// messages go to standard error. kInvalid when the compiler refuses the source or the object is no worker. Blocks
/// until the compiler is done.
Result<std::filesystem::path> build_worker(const BuildRequest& request);

}  // namespace gust::cli
