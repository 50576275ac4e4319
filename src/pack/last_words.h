// What a pack tells its invoker when user code ends the process: by a signal (crash) or by exit().
#pragma once

#include <cstddef>
#include <span>

#include "base/ids.h"

namespace gust::pack {

/// From now on a crash of this process is reported on `socket` with the worker whose code crashed, and the process then
/// dies of the same signal as it would have without (or, as process 1 of a sandbox, exits with 128 + signal). Once,
/// before user code is loaded. A signal that another process sent is not reported: that is no crash, and the invoker
/// sees it in the wait status.
void report_crashes(int socket);

/// From now on exit() is reported. Handlers run in reverse order of registration; so to be called before user code is
/// loaded, for a constructor that exits, and again after it, to be ahead of its destructors. The first report counts.
void report_exit();

/// Names the worker that the calling thread is from now on.
void become_worker(WorkerId worker);

/// Gives the calling thread a stack on which the overflow of its own can be reported. It must stay mapped.
void use_signal_stack(std::span<std::byte> stack);

}  // namespace gust::pack
