// The body of PUT …/actions/{name}: what a client may say about an action, checked.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/runtimes.h"
#include "store/records.h"

namespace gust::openwhisk {

/// OpenWhisk's limits, with the maxima raised: bursts ask for gigabytes, and there is no cap without a reason.
inline constexpr std::chrono::milliseconds kMinTimeout{100};
inline constexpr std::chrono::milliseconds kMaxTimeout{3'600'000};
inline constexpr Bytes kMinMemory = Bytes::mb(16);
inline constexpr Bytes kMaxMemory = Bytes::mb(1 << 20);
inline constexpr Bytes kMaxLogs = Bytes::mb(1024);
inline constexpr std::uint32_t kMaxProcesses = 100'000;  ///< of one container, beside its workers
inline constexpr std::uint32_t kMinOpenFiles = 16;       ///< what gust-pack itself needs
inline constexpr std::uint32_t kMaxOpenFiles = 1'000'000;
inline constexpr std::uint32_t kMinCpu = 1;  ///< percent
inline constexpr std::uint32_t kMaxCpu = 1000;
inline constexpr Bytes kMaxCode = Bytes::mb(48);

/// Takes what `body` says over to `action`, which is an empty one or that which is being replaced; what the body does
/// not mention stays, and so do annotations that its `delAnnotations` does not name. Leaves code that is new in
/// `action.code` with its digest, not yet inspected.
/// kInvalid names the member, its value and what would be right; kTooLarge for code over kMaxCode.
Result<void> apply_action_body(std::string_view body, const Runtimes& runtimes, store::Action& action);

}  // namespace gust::openwhisk
