// Where the time of a start goes: the stamps that stand between the client's call and a worker's first instruction.
#pragma once

#include <string>

#include "base/result.h"
#include "stats/result_set.h"

namespace gust::stats {

/// One row a stage, over all workers of all runs of the file, in milliseconds: how long the stage takes (median,
/// largest) and when it is over, counted from the call (median, last worker). Ends with a newline. kInvalid where the
/// file lacks the stamps of packs.
Result<std::string> stage_table(const ResultFile& file);

}  // namespace gust::stats
