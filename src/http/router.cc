#include "http/router.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "base/check.h"
#include "http/status.h"
#include "http/target.h"

namespace gust::http {
namespace {

/// "/a/b/" -> "a", "b", "".
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

const std::string& PathParams::at(std::string_view name) const {
  const auto found =
      std::ranges::find(values_, name, [](const auto& value) -> std::string_view { return value.first; });
  GUST_CHECK(found != values_.end(), "the route's pattern has no such name");
  return found->second;
}

void Router::add(std::string method, std::string_view pattern, RouteHandler handler) {
  GUST_CHECK(pattern.starts_with('/'), "a pattern starts with '/'");
  Route route{.method = std::move(method), .segments = {}, .precedence = {}, .handler = std::move(handler)};
  for (std::string_view text : split(pattern)) {
    auto kind = Segment::Kind::kLiteral;
    if (text.starts_with('{')) {
      GUST_CHECK(text.ends_with('}'), "a name in a pattern fills its whole segment");
      text = text.substr(1, text.size() - 2);
      kind = text.ends_with("...") ? Segment::Kind::kTail : Segment::Kind::kOne;
      if (kind == Segment::Kind::kTail) text.remove_suffix(3);
    }
    GUST_CHECK(!route.precedence.ends_with(static_cast<char>(Segment::Kind::kTail)), "a tail is the last segment");
    route.segments.push_back({kind, std::string(text)});
    route.precedence.push_back(static_cast<char>(kind));
  }
  for (const Route& other : routes_) {
    const auto same = [](const Segment& a, const Segment& b) {
      return a.kind == b.kind && (a.kind != Segment::Kind::kLiteral || a.text == b.text);
    };
    GUST_CHECK(other.method != route.method || !std::ranges::equal(other.segments, route.segments, same),
               "two routes match the same paths");
  }
  const auto place = std::ranges::upper_bound(routes_, route.precedence, {}, &Route::precedence);
  routes_.insert(place, std::move(route));
}

bool Router::matches(const Route& route, const std::vector<std::string>& path) {
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    if (i >= path.size()) return false;
    const Segment& segment = route.segments[i];
    if (segment.kind == Segment::Kind::kLiteral ? path[i] != segment.text : path[i].empty()) return false;
    if (segment.kind == Segment::Kind::kTail) return true;
  }
  return path.size() == route.segments.size();
}

PathParams Router::params_of(const Route& route, const std::vector<std::string>& path) {
  PathParams params;
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    const Segment& segment = route.segments[i];
    if (segment.kind == Segment::Kind::kLiteral) continue;
    std::string value = path[i];
    if (segment.kind == Segment::Kind::kTail) {
      for (std::size_t j = i + 1; j < path.size(); ++j) value += "/" + path[j];
    }
    params.values_.emplace_back(segment.text, std::move(value));
  }
  return params;
}

std::expected<Router::Match, Response> Router::find(std::string_view method, std::string_view path) const {
  std::vector<std::string> segments;
  for (const std::string_view raw : split(path)) {
    auto decoded = percent_decode(raw);
    if (!decoded) return std::unexpected(error_response(decoded.error()));
    segments.push_back(std::move(*decoded));
  }

  std::set<std::string, std::less<>> allowed;
  for (;;) {
    for (const Route& route : routes_) {
      if (!matches(route, segments)) continue;
      if (route.method == method || (method == "HEAD" && route.method == "GET")) {
        return Match{.handler = &route.handler, .params = params_of(route, segments)};
      }
      allowed.insert(route.method);
    }
    if (segments.size() < 2 || !segments.back().empty()) break;
    segments.pop_back();
  }
  if (allowed.empty()) {
    return std::unexpected(
        error_response({.code = ErrorCode::kNotFound, .message = fmt::format("there is nothing at '{}'", path)}));
  }
  const std::string list = fmt::format("{}", fmt::join(allowed, ", "));
  Response response = error_response(405, fmt::format("'{}' does not take {}; it takes {}", path, method, list));
  response.headers.emplace_back("Allow", list);
  return std::unexpected(std::move(response));
}

void Router::serve(Request request, Responder responder) const {
  auto match = find(request.method, request.path);
  if (!match) return responder(std::move(match).error());
  (*match->handler)(std::move(request), std::move(match->params), std::move(responder));
}

}  // namespace gust::http
