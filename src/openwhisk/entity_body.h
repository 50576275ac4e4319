// What the bodies of all PUTs have in common, checked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "store/records.h"

namespace gust::openwhisk {

/// The body as an object; an empty one is {}. kInvalid.
Result<Json> parse_body(std::string_view text);

/// A member of an object; null where it is absent or null.
const Json* find_member(const Json& object, const char* name);

/// kInvalid: "<member> is <value>; it must be <right>".
std::unexpected<Error> wrong_member(std::string_view member, const Json& value, std::string_view right);

/// Takes `annotations`, `publish` and `parameters` over; what the body does not mention stays.
Result<void> apply_entity_body(const Json& body, store::Entity& entity, Json& parameters);
/// The same for entities that have no parameters.
Result<void> apply_entity_body(const Json& body, store::Entity& entity);

/// `under` with those of `over` that have the same key replaced, and the others of `over` added.
Json merge_parameters(const Json& under, const Json& over);

/// The path of an entity of the caller's namespace that a member names: "/ns/[package/]name", "ns/package/name",
/// "name", or {"path": "ns[/package]", "name": "name"}. kInvalid for what is none; kDenied for another namespace's.
Result<std::string> read_reference(std::string_view member, const Json& value, std::string_view own_namespace);

}  // namespace gust::openwhisk
