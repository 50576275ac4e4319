// The controller's REST surface as the subcommands use it: JSON in, JSON out, HTTP statuses as errors.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/config.h"
#include "base/json.h"
#include "base/result.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "http/client.h"

namespace gust::cli {

/// Blocks. Only on one thread at a time.
class ApiClient {
 public:
  /// Makes the client; connects with the first request.
  static Result<ApiClient> create(const Config& config);

  using Query = std::map<std::string, std::string, std::less<>>;

  /// `path` is what follows /api/v1: "/namespaces/_/actions/hello".
  /// Any status but 2xx becomes an error with the server's sentence.
  Result<Json> get(std::string_view path, Query query = {});
  Result<Json> put(std::string_view path, Query query, std::string body);
  Result<Json> post(std::string_view path, Query query, std::string body);
  Result<Json> remove(std::string_view path);

 private:
  explicit ApiClient(std::unique_ptr<http::Client> client) : client_(std::move(client)) {}
  Result<Json> send(std::string_view method, std::string_view path, Query query, std::string body);

  std::unique_ptr<http::Client> client_;
};

/// What most subcommands do: load the configuration, use the API, print an error and turn it into an exit code.
int with_api(const Options& options, const std::function<Result<ExitCode>(ApiClient&)>& use);

/// What http::Client needs, from the configuration.
Result<http::ClientOptions> client_options(const Config& config);

}  // namespace gust::cli
