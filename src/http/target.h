// Request targets and URLs: taking them apart, and putting them together with the right bytes encoded.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust::http {

using Query = std::map<std::string, std::string, std::less<>>;

struct Target {
  std::string path;  ///< as it was sent: percent-decoding is left to who splits it
  Query query;       ///< decoded; the last of repeated names
};

/// Reads origin form ("/a?b=c"), absolute form ("https://host/a?b=c"; the host does not matter here) and "*".
/// kInvalid for anything else, and for a wrong percent-encoding in the query.
Result<Target> parse_target(std::string_view text);

/// "a%2Fb" -> "a/b". kInvalid for '%' without two hex digits behind it, and for an encoded NUL.
Result<std::string> percent_decode(std::string_view text);

/// Encodes everything but letters, digits and "-._~": right for one path segment and for a query's names and values.
std::string percent_encode(std::string_view text);

/// The target that parse_target() reads back: `path` as it is, with the query encoded behind it.
std::string make_target(std::string_view path, const Query& query);

}  // namespace gust::http
