// Mounts of the root file system, relative to the directory where it is being built.
#pragma once

#include "container/sandbox/namespaces.h"

namespace gust::container {

enum class Nodes { kForbidden, kAllowed };

/// Shows what is at `source` at `target`, an existing directory or file, with all mounts below it, read-only and
/// without set-user-id programs. False with errno set.
bool show(const char* source, const char* target, Nodes nodes = Nodes::kForbidden);

/// The file or directory that a mount needs to be put on, with the directories above it. False with errno set.
bool make_directories(const char* path);
bool make_file(const char* path);

}  // namespace gust::container
