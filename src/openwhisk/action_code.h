// The `exec` of an action's body: which kind of code it is, and the code itself, checked as far as that is possible
// without running it.
#pragma once

#include <functional>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/runtimes.h"
#include "store/records.h"
#include "worker/inspect.h"

namespace gust::openwhisk {

/// Takes kind, main, binary and code over to `action`, moving the text out of `exec`. A missing `binary` is inferred,
/// as `wsk` does not send it. A minor version of a kind ("python:3.9") is kept where `runtimes` has a row for it.
/// kInvalid names the member; kTooLarge for code over kMaxCode.
Result<void> apply_exec(Json& exec, const Runtimes& runtimes, store::Action& action);

using InspectObject = std::function<Result<worker::ObjectInfo>(std::string_view)>;

/// Whether packs could load the code at all: a shared object of this ABI, an archive that may be unpacked. What a
/// server of an image takes only that server knows.
Result<void> inspect_code(const store::Action& action, const Runtimes& runtimes, const InspectObject& inspect_object);

}  // namespace gust::openwhisk
