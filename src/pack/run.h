// The life of a pack: told what to do on its socket, it loads the code, runs its workers and reports.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "pack/prewarm.h"

namespace gust::pack {

/// The file descriptor on which a pack finds its invoker.
inline constexpr int kInvokerSocket = 3;

/// Exit codes of gust-pack. Codes of user code's own exit() come on top: their report says so.
inline constexpr int kExitFinished = 0;   ///< all workers returned
inline constexpr int kExitFailed = 1;     ///< the code could not be loaded, as reported, or the invoker is gone
inline constexpr int kExitNoInvoker = 2;  ///< not started by an invoker

/// Runs one pack to its end. Returns only kExitNoInvoker, when there is no socket; ends the process otherwise.
/// `entered` is the first instruction of main. `binary` is gust-pack's path: what it loads lies beside it. On the main
/// thread.
int run_pack(WallTime entered, std::string_view binary);

/// The same for a pack that is not needed yet: makes this ready and waits until it is claimed (pack/prewarm.h). Never
/// returns.
[[noreturn]] void run_prewarmed(const Prewarmed& wanted, std::string_view binary);

}  // namespace gust::pack
