#include "objectstore/object_store.h"

#include <algorithm>

namespace gust::objectstore {

Result<void> check_key(std::string_view key) {
  const auto refuse = [](const std::string& why) { return fail(ErrorCode::kInvalid, "an object's key " + why); };
  if (key.empty()) return refuse("may not be empty");
  if (key.size() > kLongestKey) {
    return refuse("has " + std::to_string(key.size()) + " bytes; the longest has " + std::to_string(kLongestKey));
  }
  if (std::ranges::any_of(key, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return refuse("may have no control characters");
  }
  for (std::size_t begin = 0; begin <= key.size();) {
    const std::size_t end = std::min(key.find('/', begin), key.size());
    const std::string_view part = key.substr(begin, end - begin);
    if (part == "." || part == "..") {
      return refuse("may have no part '" + std::string(part) + "': " + std::string(key));
    }
    begin = end + 1;
  }
  return {};
}

Result<std::string> get_whole(ObjectStore& store, const std::string& key, const Range& range, const Context& context) {
  std::string content;
  const Receiver append = [&content](Piece piece) -> Result<void> {
    content.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return {};
  };
  GUST_TRY_VOID(store.get(key, range, append, context));
  return content;
}

Result<void> remove_all(ObjectStore& store, const std::string& prefix, const Context& context) {
  while (true) {
    // Always from the beginning: what was listed is gone, and something may have come.
    const Page page = GUST_TRY(store.list(prefix, "", kLargestPage, context));
    if (page.objects.empty()) return {};
    std::vector<std::string> keys;
    keys.reserve(page.objects.size());
    for (const Object& object : page.objects) keys.push_back(object.key);
    GUST_TRY_VOID(store.remove_many(keys, context));
  }
}

}  // namespace gust::objectstore
