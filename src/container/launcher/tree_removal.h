// Removal of a directory that user code filled, without following symbolic links and without holding up the launcher.
#pragma once

#include <cstddef>

namespace gust::container {

enum class Removal { kDone, kMore, kStuck };

/// Removes `name` in the directory `parent`, with at most `budget` entries this time: kMore means call again. Links are
/// removed, never followed; nothing below a mount point is (kStuck, errno set). Any depth: what lies very deep is first
/// moved up. Directories without permissions are given them.
Removal remove_tree(int parent, const char* name, std::size_t budget);

}  // namespace gust::container
