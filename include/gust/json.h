// gust::Json: the values that workers take and give, nlohmann's JSON library under a short name.
//
//   params.value("seconds", 1.0)        // a member, or what to take without it
//   params.at("seconds").get<double>()  // a member that must be there: throws, and the message becomes the worker's
//   error return {{"sum", 42}, {"parts", {1, 2, 3}}};
//
// The library is needed where workers are compiled (Debian and Ubuntu: `apt install nlohmann-json3-dev`; Fedora:
// `dnf install json-devel`), not where they run. Its manual: https://json.nlohmann.me
#ifndef GUST_JSON_H
#define GUST_JSON_H

#if !__has_include(<nlohmann/json.hpp>)
#error "gust: nlohmann's JSON library is missing; install it: apt install nlohmann-json3-dev"
#endif

#include <nlohmann/json.hpp>

namespace gust {

using Json = nlohmann::json;

}  // namespace gust

#endif  // GUST_JSON_H
