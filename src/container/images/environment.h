// The environment of a pack that runs in an image.
#pragma once

#include <string>
#include <vector>

namespace gust::container {

/// The image's variables and the pack's, NAME=value. Where both have one the pack's is taken, except PATH and LANG, of
/// which the image knows better.
std::vector<std::string> with_image_environment(const std::vector<std::string>& image, std::vector<std::string> pack);

}  // namespace gust::container
