// Zip archives of executables, unpacked where they run. gust-pack links what it takes statically: it may be in an
// image.
#pragma once

#include <string>

#include "base/result.h"

namespace gust::pack {

/// Unpacks the archive into `folder`, which exists and is empty; files that are executable in the archive are so here.
/// kInvalid, with a sentence for the person who made it: damaged, or an entry that leads out, is a link or encrypted,
/// or more than 512 MB or 20,000 entries, or more than 100 times the size of the archive when that is over 10 MB.
Result<void> unpack_zip(const std::string& archive, const std::string& folder);

/// Whether its directory names this file. False, too, when it cannot be read.
bool has_entry(const std::string& archive, const std::string& name);

}  // namespace gust::pack
