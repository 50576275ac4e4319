#include "openwhisk/resolve.h"

#include "openwhisk/entity_body.h"
#include "openwhisk/names.h"

namespace gust::openwhisk {

Result<ResolvedPackage> resolve_package(const Services& services, std::string_view namespace_name,
                                        std::string_view name) {
  ResolvedPackage resolved;
  resolved.named = resolved.home = GUST_TRY(services.packages.get(namespace_name, name));
  resolved.parameters = resolved.named->parameters;
  if (resolved.named->binding.empty()) return resolved;
  auto home = services.packages.get(namespace_name, resolved.named->binding);
  if (!home) return std::unexpected(home.error().while_doing("what package " + std::string(name) + " is bound to"));
  resolved.home = std::move(*home);
  resolved.parameters = merge_parameters(resolved.home->parameters, resolved.named->parameters);
  return resolved;
}

Result<store::ActionPtr> resolve_action(const Services& services, std::string_view namespace_name,
                                        std::string_view path) {
  const EntityPath parsed = GUST_TRY(parse_entity_path(path));
  if (parsed.package.empty()) return services.actions.get(namespace_name, parsed.name);
  const ResolvedPackage package = GUST_TRY(resolve_package(services, namespace_name, parsed.package));
  store::ActionPtr action = GUST_TRY(services.actions.get(namespace_name, package.home->name + "/" + parsed.name));
  if (package.parameters.empty()) return action;
  auto merged = std::make_shared<store::Action>(*action);
  merged->parameters = merge_parameters(package.parameters, action->parameters);
  return merged;
}

}  // namespace gust::openwhisk
