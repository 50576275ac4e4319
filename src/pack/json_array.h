// The entries of a JSON array, without parsing them.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust::pack {

/// The texts between the commas of one array, which is all that `text` holds beside white space. Brackets and strings
/// are followed; whether an entry is JSON is left to whoever takes it. kInvalid when it is not an array.
Result<std::vector<std::string_view>> split_json_array(std::string_view text);

}  // namespace gust::pack
