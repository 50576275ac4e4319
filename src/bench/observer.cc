#include <fmt/format.h>

#include "bench/calls.h"
#include "http/status.h"

namespace gust::bench {

Result<Observer> Observer::create(const Target& target) {
  return Observer(GUST_TRY(http::Client::create(target.endpoint, target.options)));
}

Result<Json> Observer::send(http::Request request) {
  const std::string what = request.method + " " + request.path;
  request.path = "/api/v1" + request.path;
  const http::Response response = GUST_TRY(client_->send(std::move(request)));
  if (response.status >= 200 && response.status < 300) return parse_json(response.body, "the controller's answer");
  return std::unexpected(http::error_of(response).while_doing(what));
}

Result<Json> Observer::get(const std::string& path, std::map<std::string, std::string, std::less<>> query) {
  http::Request request;
  request.path = path;
  request.query = std::move(query);
  return send(std::move(request));
}

Result<void> Observer::put(const std::string& path, std::string body) {
  http::Request request;
  request.method = "PUT";
  request.path = path;
  request.query = {{"overwrite", "true"}};
  request.body = std::move(body);
  GUST_TRY(send(std::move(request)));
  return {};
}

Result<std::chrono::microseconds> Observer::controller_cpu() {
  const Json status = GUST_TRY(get("/gust/status"));
  return std::chrono::microseconds(status.at("controller").at("cpu_microseconds").get<std::int64_t>());
}

Result<Json> Observer::wait_for(const std::string& flare_id) {
  const std::string path = "/namespaces/_/flares/" + flare_id;
  for (;;) {
    Json flare = GUST_TRY(get(path, {{"detail", "summary"}, {"wait", "60"}}));
    if (!flare.at("stamps").at("ended").is_null()) return flare;
  }
}

}  // namespace gust::bench
