// A thread that mostly sleeps and must not be late.
#pragma once

namespace gust {

/// The calling thread is scheduled before ordinary ones, where the system permits: without the right to (CAP_SYS_NICE)
/// it stays as it is.
void run_ahead_of_others();

}  // namespace gust
