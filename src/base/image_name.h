// What images are called: by whoever deploys an action, and in the image store of each machine.
#pragma once

#include <string_view>

#include "base/result.h"

namespace gust {

/// The name of what is no image: the host's own programs and libraries.
inline constexpr std::string_view kHostImage = "host";

/// kInvalid for what cannot name an image: it takes letters, digits and any of . _ - / : @, at most 200, a letter or
/// digit first; and kHostImage is taken.
Result<void> check_image_name(std::string_view name);

}  // namespace gust
