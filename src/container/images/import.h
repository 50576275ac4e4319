// From what people have to an image in the store.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "container/images/image_store.h"

namespace gust::container {

/// Imports `source` as `name`: a tar archive of a root file system, of `docker save` or of an OCI layout;
/// "oci:DIRECTORY"; "docker://REFERENCE". All but the first through skopeo and umoci. `pack_binary` is the gust-pack
/// that is to run in it. Blocks for as long as it takes; whatever fails or is killed leaves the store as it was.
/// kInvalid for a source that cannot be used, kNotFound for a tool that is missing, kUnavailable for a registry that
/// cannot be reached.
Result<Image> import_image(const ImageStore& store, std::string_view name, const std::string& source,
                           const std::filesystem::path& pack_binary);

}  // namespace gust::container
