// What failures and limits of the launcher mean to a person.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "container/client/launcher_process.h"
#include "container/launcher/frames.h"

namespace gust::container {

/// "process", "sandbox", "oci".
std::string_view name_of(Isolation isolation);
/// Driver::notice(); `unenforced` has bits of enum Unenforced.
std::string describe_notice(Isolation isolation, std::uint16_t unenforced);
/// Why the launcher could not begin.
Error describe_refusal(const ReadyEntry& ready, const LauncherStart& start);
/// Exited::failure.
std::string describe_failure(Failure failure, const std::string& pack_binary);

}  // namespace gust::container
