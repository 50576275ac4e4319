// One page of a list of entities.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/json.h"
#include "openwhisk/query.h"

namespace gust::openwhisk {

/// A JSON array of what `render` makes of each, or {"<plural>": n}.
template <class Ptr, class Render>
std::string render_list(const std::vector<Ptr>& all, const Listing& listing, const char* plural, Render render) {
  const std::size_t begin = std::min(listing.page.skip, all.size());
  if (listing.count) return dump_json({{plural, all.size() - begin}});
  Json entries = Json::array();
  for (std::size_t i = begin; i < all.size() && i - begin < listing.page.limit; ++i) entries.push_back(render(*all[i]));
  return dump_json(entries);
}

}  // namespace gust::openwhisk
