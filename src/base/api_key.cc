#include "base/api_key.h"

namespace gust {

std::string normalise_api_key(std::string_view key) {
  std::string normal;
  if (key.find(':') == std::string_view::npos) normal = "gust:";
  normal += key;
  return normal;
}

}  // namespace gust
