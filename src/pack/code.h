// User code that a pack has loaded to run it on threads of its own. Python's is not loaded here but in an interpreter
// (forked_workers.h).
#pragma once

#include <gust/gust.h>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust::pack {

/// Loaded once in a pack, then run by all of its workers at the same time.
class Code {
 public:
  virtual ~Code() = default;
  /// Runs one worker to its end on the calling thread: 0 for success, as gust_work_function. May be called by many
  /// threads at once. `params` is JSON text and stays valid during the call.
  virtual int work(gust_burst* burst, std::string_view params) = 0;
};

/// Kinds that begin so are Python's.
inline constexpr std::string_view kPythonKinds = "python:";
/// Executables, which ProgramWorkers hands the whole pack.
inline constexpr std::string_view kNativeKind = "native";
/// Of an action that names an image: which of the others its code is says kind_to_run().
inline constexpr std::string_view kBlackboxKind = "blackbox";
/// Code, or none, for a server of OpenWhisk's action containers that the container has.
inline constexpr std::string_view kHttpKind = "http";

/// A shared object of the C ABI (gust/gust.h), kind "cpp:1". Runs the object's static constructors.
Result<std::unique_ptr<Code>> load_cpp(const std::string& path);

/// Loads what is at `path` as `kind` says. kInvalid or kVersionMismatch, with a sentence for the person who deployed
/// it.
Result<std::unique_ptr<Code>> load_code(std::string_view kind, const std::string& path);

}  // namespace gust::pack
