// What serves a request: a function of the request and of the one who takes the answer.
#pragma once

#include <functional>

#include "http/message.h"

namespace gust::http {

/// Takes the answer to one request: from any thread, any time later, while the io_context lives. Only the first call
/// counts. Destroyed without a call, it answers 500, so that no client waits for ever.
using Responder = std::move_only_function<void(Response)>;

/// Called on the io_context's threads, for several requests at once. Must not block.
using Handler = std::function<void(Request, Responder)>;

}  // namespace gust::http
