// Which function serves which method and path.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/handler.h"

namespace gust::http {

/// What a pattern's names stand for in one path, percent-decoded.
class PathParams {
 public:
  /// Aborts for a name that is not in the route's pattern.
  [[nodiscard]] const std::string& at(std::string_view name) const;

 private:
  friend class Router;
  std::vector<std::pair<std::string, std::string>> values_;
};

/// Must not block; see Handler.
using RouteHandler = std::function<void(Request, PathParams, Responder)>;

/// Patterns are paths whose segments are literal, "{name}" (exactly one segment, not empty) or, as the last one,
/// "{name...}" (one segment or more; slashes between them are kept, so that "pkg/action" is one value). The more
/// literal route wins, segment by segment, whatever the order of add(). A path with a trailing slash is looked up as it
/// is, then without the slash. HEAD is served by GET's route. Filled before it serves; from then on from any thread.
class Router {
 public:
  /// Aborts when the pattern is malformed or stands there already for this method.
  void add(std::string method, std::string_view pattern, RouteHandler handler);

  struct Match {
    const RouteHandler* handler;
    PathParams params;
  };
  /// The route, or the answer when there is none: 404, 405 (with Allow), or 400 for a path that cannot be decoded.
  [[nodiscard]] std::expected<Match, Response> find(std::string_view method, std::string_view path) const;

  /// Serves one request: the route's handler, or the answer that find() gave.
  void serve(Request request, Responder responder) const;

 private:
  struct Segment {
    enum class Kind : char { kLiteral = 'a', kOne = 'b', kTail = 'c' };  // sorts by precedence
    Kind kind;
    std::string text;
  };
  struct Route {
    std::string method;
    std::vector<Segment> segments;
    std::string precedence;
    RouteHandler handler;
  };
  static bool matches(const Route& route, const std::vector<std::string>& path);
  static PathParams params_of(const Route& route, const std::vector<std::string>& path);

  std::vector<Route> routes_;  // by precedence
};

}  // namespace gust::http
