// The root that all sandboxes of a launcher share: the host's programs and libraries and a small /etc, or an image; a
// small /dev, gust-pack, the directory of deployed code. It is built once, and becomes the root of the launcher itself.
// A sandbox begins with a copy of these few mounts, and adds its own /proc and /tmp.
#pragma once

#include <span>

#include "container/launcher/frames.h"
#include "container/sandbox/namespaces.h"

namespace gust::container {

struct RootPaths {
  const char* mount_point;           ///< an existing directory; what is in it stays as it is
  const char* pack_binary;           ///< host's, absolute
  const char* code_directory;        ///< host's, absolute; empty for none
  const char* image_root = "";       ///< host's, absolute: an image's tree; empty for the host's own programs
  const char* image_directory = "";  ///< image's, absolute: where packs begin; empty for /tmp
  std::span<char* const> shown;      ///< host's folders, absolute: what packs without an image can read beside programs
};

/// In the launcher's own mount namespace. Afterwards nothing of the host can be reached by a path.
Failure enter_root(const RootPaths& paths, Identity identity);

}  // namespace gust::container
