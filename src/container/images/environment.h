// The environment of a pack that runs in an image.
#pragma once

#include <string>
#include <vector>

#include "container/images/image.h"

namespace gust::container {

/// The image's variables and the pack's, NAME=value. Where both have one the pack's is taken, except PATH and LANG, of
/// which the image knows better. GUST_IMAGE_COMMAND is the image's command, its words with 0x1f between them, where it
/// has one: what gust-pack starts when the action is one for the image's own server.
std::vector<std::string> with_image_environment(const Image& image, std::vector<std::string> pack);

}  // namespace gust::container
