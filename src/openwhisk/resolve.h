// From names in requests to entities: packages, bindings, and whose parameters go over whose.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "openwhisk/api.h"
#include "store/records.h"

namespace gust::openwhisk {

/// A package with what it is bound to: `home` is where its actions stand, `parameters` are those of `home`, with the
/// binding's over them.
struct ResolvedPackage {
  store::PackagePtr named;
  store::PackagePtr home;  ///< the same for one that is no binding
  Json parameters;
};
/// kNotFound, also when the package that a binding stands for is gone.
Result<ResolvedPackage> resolve_package(const Services& services, std::string_view namespace_name,
                                        std::string_view name);

/// The action "name" or "package/name", with its package's parameters under its own. kNotFound, kInvalid.
Result<store::ActionPtr> resolve_action(const Services& services, std::string_view namespace_name,
                                        std::string_view path);

}  // namespace gust::openwhisk
