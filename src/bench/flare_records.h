// A flare as the API shows it, turned into rows of a result file.
#pragma once

#include <vector>

#include "base/json.h"
#include "stats/record.h"

namespace gust::bench {

/// One record a worker, in worker order. `client` holds what the client measured itself: the host_* columns and the
/// sizes that all of the flare's workers share.
std::vector<stats::Record> records_of(const Json& flare, const stats::Record& client);

}  // namespace gust::bench
