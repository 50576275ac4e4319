// The file in which an invoker keeps its certificate: it joins with that after a restart, without a token.
#pragma once

#include <filesystem>
#include <optional>

#include "base/result.h"
#include "protocol/control/tls.h"

namespace gust::invoker {

/// Nothing when there is no such file. kInvalid for one that holds no identity, and says what to do. Blocks.
Result<std::optional<protocol::TlsIdentity>> load_identity(const std::filesystem::path& file);

/// Mode 0600. kInvalid when it cannot be written. Blocks.
Result<void> save_identity(const std::filesystem::path& file, const protocol::TlsIdentity& identity);

}  // namespace gust::invoker
