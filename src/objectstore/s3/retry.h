// Which failures may pass, and how long to wait before the next try.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "objectstore/s3/http.h"

namespace gust::objectstore {

/// Calls `attempt` until it has an answer of success, a failure that will not pass, or `context` ends. Waits in
/// between: a random time up to a bound that doubles, so that clients that failed together do not come back together;
/// at least what the server asked for. `doing` ("get s3://bucket/key at host") begins every error's sentence, which
/// ends with the last failure.
Result<Answer> with_retries(const S3Options& options, const Context& context, const std::string& doing,
                            const std::function<std::expected<Answer, Broken>()>& attempt);

/// False at once when the context would end before or ends meanwhile.
bool sleep_for(std::chrono::milliseconds time, const Context& context);

}  // namespace gust::objectstore
