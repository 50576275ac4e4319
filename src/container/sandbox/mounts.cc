#include "container/sandbox/mounts.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fd.h"

namespace gust::container {

bool show(const char* source, const char* target, Nodes nodes) {
  const UniqueFd tree(open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  if (!tree) return false;
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | (nodes == Nodes::kForbidden ? MOUNT_ATTR_NODEV : 0U);
  return mount_setattr(tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) == 0 &&
         move_mount(tree.get(), "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

bool make_directories(const char* path) {
  std::string part;
  for (const char* at = path;; ++at) {
    if ((*at == '/' || *at == '\0') && !part.empty() && mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) return false;
    if (*at == '\0') return true;
    part += *at;
  }
}

bool make_file(const char* path) {
  const std::string text(path);
  if (const std::size_t slash = text.rfind('/'); slash != std::string::npos) {
    if (!make_directories(text.substr(0, slash).c_str())) return false;
  }
  return static_cast<bool>(UniqueFd(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)));
}

}  // namespace gust::container
