// Other people's programs, run to their end.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace gust {

/// Whether `program`, a path or a name to look up in PATH, can be executed.
bool is_in_path(const std::string& program);

/// Runs `command` with nothing on its standard input, and gives what it wrote to its standard output. Its descriptors
/// are 0, 1 and 2 and those of `keep_open`. Blocks until it ends.
/// kNotFound when there is no such program; kInternal, with the last line that it wrote to its standard error, when it
/// fails.
Result<std::string> run_program(const std::vector<std::string>& command, const std::vector<int>& keep_open = {});

}  // namespace gust
