// What triggers and rules have in common.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "openwhisk/api.h"
#include "openwhisk/call.h"
#include "openwhisk/names.h"
#include "store/records.h"

namespace gust::openwhisk {

/// Oldest first.
std::vector<store::RulePtr> rules_of(const Services& services, std::string_view namespace_name,
                                     std::string_view trigger);

/// The name in the path of an entity that stands in no package. kInvalid.
template <class T>
Result<std::string> own_name(const Call& call) {
  EntityPath path = GUST_TRY(parse_entity_path(call.name()));
  if (path.package.empty()) return std::move(path.name);
  return fail(ErrorCode::kInvalid,
              "\"" + call.name() + "\" names a package; a " + std::string(T::kNoun) + " is in none");
}

}  // namespace gust::openwhisk
