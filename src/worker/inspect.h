// Looks at a worker object without running it, so that a wrong file is refused when it is deployed and not when it
// runs.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace gust::worker {

struct ObjectInfo {
  std::uint32_t abi_version = 0;
};

/// Checks that the bytes are an ELF shared object for this machine that exports `gust_worker` with this build's
/// GUST_ABI_VERSION. kInvalid or kVersionMismatch, with a sentence that says what to do. The bytes may come from
/// anybody: nothing is believed without a check, and nothing is loaded. Reads only; does not block.
Result<ObjectInfo> inspect_object(std::string_view elf_bytes);

}  // namespace gust::worker
