// The REST surface: OpenWhisk's, the burst extension, and Gust's own routes. README.md lists them.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "base/runtimes.h"
#include "controller/controller.h"
#include "http/router.h"
#include "openwhisk/auth.h"
#include "store/store.h"
#include "worker/inspect.h"

namespace gust::openwhisk {

class Call;

struct ApiOptions {
  std::string version;                             ///< of this build, as it is shown to clients
  std::chrono::milliseconds longest_wait{60'000};  ///< of a blocking invocation; then 202 with the id
  std::chrono::seconds longest_poll{60};           ///< of GET …/flares/{id}?wait=
  Runtimes runtimes = {};                          ///< what the kinds and images of actions stand for
  /// Whether an image that no row of `runtimes` is about can be had.
  std::function<bool(const std::string&)> has_image = [](const std::string&) { return false; };
  /// Runs what may wait for a disk; at once where it is empty.
  std::function<void(std::move_only_function<void()>)> reader = {};
  /// Why nobody can join this controller by a token; empty where that is possible.
  std::string no_tokens = {};
  /// Looks at the code of C++ actions before they are stored.
  std::function<Result<worker::ObjectInfo>(std::string_view)> inspect_object = worker::inspect_object;
};

/// What routes work on.
struct Services {
  controller::Controller& controller;
  store::ActionStore& actions;
  store::PackageStore& packages;
  store::TriggerStore& triggers;
  store::RuleStore& rules;
  store::KeyStore& stored_keys;
  store::TokenStore& tokens;
  store::FlareStore& flares;
  store::Journal& journal;
  KeyTable keys;
  ApiOptions options;
  /// Held by changes that look at several entities: a package must be empty to go, and be there for an action to come.
  mutable Mutex change = {};

  /// Runs what may wait for a disk where that may be.
  void read(std::move_only_function<void()> work) const { options.reader ? options.reader(std::move(work)) : work(); }
};

/// Thread-safe. Must live until every request has been answered: answers can come from the controller's strand.
class Api {
 public:
  Api(controller::Controller& controller, store::Stores stores, KeyTable keys, ApiOptions options);
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  /// An http::Handler. Does not block; answers at once or when the controller has.
  void handle(http::Request request, http::Responder respond) const;

 private:
  using Route = void (*)(const Services&, Call);
  enum class Access : std::uint8_t { kOpen, kWithKey, kOperator };

  void add(std::string method, const std::string& pattern, Access access, Route route);
  /// False when the call has been answered with 401 or 403.
  bool admit(Call& call, Access access, const std::string* namespace_in_path) const;

  Services services_;
  http::Router router_;
};

}  // namespace gust::openwhisk
