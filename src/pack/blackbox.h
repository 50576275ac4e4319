// What the code of a blackbox, an action that names an image, is to be run by.
#pragma once

#include <string>

#include "base/result.h"
#include "protocol/pack_frames.h"

namespace gust::pack {

/// The kind of `start`, unless that is a blackbox: then by its code. An archive with __main__.py is Python, one with
/// exec an executable, and so is a binary that is none; anything else is for the server that the container has, or
/// Python where it has none. kInvalid when there is nothing to run.
Result<std::string> kind_to_run(const protocol::StartMessage& start);

}  // namespace gust::pack
