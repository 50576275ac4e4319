// What of the host a Python needs that is not among the programs which every container sees: a virtualenv, and the
// Python that it was made with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust::container {

/// Whether `folder` has a bin/python3. kInvalid with what to do.
Result<void> check_python(std::string_view folder);

/// The folders to show, so that bin/python3 of each of these runs: itself, the prefixes of the Pythons that its links
/// and its pyvenv.cfg lead to. Nothing that lies in /usr, and none within another. kInvalid for what has no Python, or
/// lies where containers have something of their own (/tmp).
Result<std::vector<std::string>> folders_of_pythons(const std::vector<std::string>& folders);

}  // namespace gust::container
