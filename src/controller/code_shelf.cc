#include "controller/code_shelf.h"

#include <iterator>

namespace gust::controller {

bool CodeShelf::use(const std::string& digest) {
  const auto found = by_digest_.find(digest);
  if (found == by_digest_.end()) return false;
  packages_.splice(packages_.begin(), packages_, found->second);
  return true;
}

std::vector<std::string> CodeShelf::add(const std::string& digest, Bytes size,
                                        const std::function<bool(const std::string&)>& in_use) {
  std::vector<std::string> dropped;
  for (auto next = packages_.end(); limit_ != Bytes() && size_ + size > limit_ && next != packages_.begin();) {
    const auto oldest = std::prev(next);
    if (in_use(oldest->digest)) {
      next = oldest;
      continue;
    }
    dropped.push_back(oldest->digest);
    size_ -= oldest->size;
    by_digest_.erase(oldest->digest);
    next = packages_.erase(oldest);
  }
  packages_.push_front({digest, size});
  by_digest_[digest] = packages_.begin();
  size_ += size;
  return dropped;
}

}  // namespace gust::controller
