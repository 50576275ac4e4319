// A process namespace of its own for the keeper, and the end of it.
#pragma once

#include <functional>

#include "container/launcher/frames.h"

namespace gust::container {

/// Runs `inside` in a new process, the first of a new process namespace with a /proc of its own, and waits for its end.
/// It dies when this process does. Gives its exit status; when it was killed, this process ends by the same signal.
/// `failed` is called instead, in this process, when that cannot be had.
int run_as_first_process(const std::function<int()>& inside, const std::function<void(Failure)>& failed);

}  // namespace gust::container
