#include "cli/api_client.h"

#include <fmt/format.h>
#include <utility>

#include "base/api_key.h"
#include "base/files.h"
#include "http/status.h"

namespace gust::cli {

Result<http::ClientOptions> client_options(const Config& config) {
  http::ClientOptions options;
  options.authorization = config.api_key.empty() ? "" : normalise_api_key(config.api_key);
  options.verify_certificate = !config.insecure;
  if (!config.ca_file.empty()) {
    auto chain = read_whole_file(config.ca_file);
    if (!chain) return std::unexpected(chain.error().while_doing("ca_file"));
    options.trusted_chain_pem = std::move(*chain);
  }
  return options;
}

Result<ApiClient> ApiClient::create(const Config& config) {
  auto endpoint = GUST_TRY(http::parse_endpoint(config.endpoint));
  auto options = GUST_TRY(client_options(config));
  return ApiClient(GUST_TRY(http::Client::create(std::move(endpoint), std::move(options))));
}

Result<Json> ApiClient::send(std::string_view method, std::string_view path, Query query, std::string body) {
  http::Request request;
  request.method = method;
  request.path = fmt::format("/api/v1{}", path);
  request.query = std::move(query);
  if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  request.body = std::move(body);
  const http::Response response = GUST_TRY(client_->send(std::move(request)));
  if (response.status >= 200 && response.status < 300) return parse_json(response.body, "the controller's answer");
  Error error = http::error_of(response);
  if (response.status == 401) error.message += "; set GUST_API_KEY or --api-key to the key that gust up was given";
  return std::unexpected(std::move(error));
}

Result<Json> ApiClient::get(std::string_view path, Query query) { return send("GET", path, std::move(query), {}); }

Result<Json> ApiClient::put(std::string_view path, Query query, std::string body) {
  return send("PUT", path, std::move(query), std::move(body));
}

Result<Json> ApiClient::post(std::string_view path, Query query, std::string body) {
  return send("POST", path, std::move(query), std::move(body));
}

Result<Json> ApiClient::remove(std::string_view path) { return send("DELETE", path, {}, {}); }

int with_api(const Options& options, const std::function<Result<ExitCode>(ApiClient&)>& use) {
  const auto config = options.load();
  if (!config) return report(config.error());
  auto api = ApiClient::create(*config);
  if (!api) return report(api.error());
  const Result<ExitCode> code = use(*api);
  return code ? static_cast<int>(*code) : report(code.error());
}

}  // namespace gust::cli
