#include "openwhisk/call.h"

#include <iterator>

#include "base/ids.h"
#include "http/status.h"
#include "openwhisk/json_text.h"

namespace gust::openwhisk {

Call::Call(http::Request request, http::Responder respond, WallTime received)
    : request_(std::move(request)),
      respond_(std::move(respond)),
      received_(received),
      transaction_id_(random_hex_id()) {
  add_header("x-request-id", transaction_id_);
}

void Call::add_header(std::string name, std::string value) { headers_.emplace_back(std::move(name), std::move(value)); }

void Call::answer(unsigned status, std::string json) {
  http::Response response;
  response.status = status;
  response.headers = std::move(headers_);
  response.body = std::move(json);
  respond_(std::move(response));
}

void Call::answer_text(unsigned status, std::string text) {
  http::Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.headers = std::move(headers_);
  response.body = std::move(text);
  respond_(std::move(response));
}

void Call::answer_error(unsigned status, std::string_view sentence) {
  answer_error(http::error_response(status, std::string(sentence)), sentence);
}

void Call::answer_error(const Error& error) {
  // Who calls is known by now: what is denied, another key would be needed for.
  if (error.code == ErrorCode::kDenied) return answer_error(403, error.message);
  answer_error(http::error_response(error), error.message);
}

void Call::answer_error(http::Response response, std::string_view sentence) {
  JsonText body;
  body.raw(R"({"error":)").string(sentence).raw(R"(,"code":)").string(transaction_id_).raw("}");
  response.body = body.take();
  response.headers.insert(response.headers.end(), std::move_iterator(headers_.begin()),
                          std::move_iterator(headers_.end()));
  respond_(std::move(response));
}

void Call::answer(Result<std::string> json) {
  if (!json) return answer_error(json.error());
  answer(200, std::move(*json));
}

}  // namespace gust::openwhisk
