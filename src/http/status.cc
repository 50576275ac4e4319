#include "http/status.h"

#include <fmt/format.h>

#include "base/ids.h"
#include "base/json.h"

namespace gust::http {
namespace {

constexpr std::string_view kErrorHeader = "x-gust-error";

ErrorCode code_of(unsigned status) {
  switch (status) {
    case 401:
    case 403: return ErrorCode::kDenied;
    case 404: return ErrorCode::kNotFound;
    case 408:
    case 504: return ErrorCode::kTimedOut;
    case 409: return ErrorCode::kExists;
    case 413: return ErrorCode::kTooLarge;
    case 429: return ErrorCode::kBusy;
    case 500: return ErrorCode::kInternal;
    case 502: return ErrorCode::kCrashed;
    case 503: return ErrorCode::kUnavailable;
    default: return status >= 400 && status < 500 ? ErrorCode::kInvalid : ErrorCode::kUnknown;
  }
}

ErrorCode code_named(std::string_view name, ErrorCode otherwise) {
  for (int value = 0; value <= static_cast<int>(ErrorCode::kInternal); ++value) {
    if (to_string(static_cast<ErrorCode>(value)) == name) return static_cast<ErrorCode>(value);
  }
  return otherwise;
}

}  // namespace

unsigned status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
    case ErrorCode::kNeverFits:
    case ErrorCode::kVersionMismatch: return 400;
    case ErrorCode::kDenied: return 401;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kExists:
    case ErrorCode::kCancelled: return 409;
    case ErrorCode::kTooLarge: return 413;
    case ErrorCode::kBusy: return 429;
    case ErrorCode::kCrashed: return 502;
    case ErrorCode::kUnavailable: return 503;
    case ErrorCode::kTimedOut: return 504;
    case ErrorCode::kUnknown:
    case ErrorCode::kInternal: return 500;
  }
  return 500;
}

Response error_response(unsigned status, std::string message) {
  Response response{.status = status};
  response.body = dump_json(Json{{"error", std::move(message)}, {"code", random_hex_id()}});
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Basic");
  return response;
}

Response error_response(const Error& error) {
  Response response = error_response(status_of(error.code), error.message);
  response.headers.emplace_back(kErrorHeader, to_string(error.code));
  return response;
}

Error error_of(const Response& response) {
  Error error{.code = code_named(response.header(kErrorHeader).value_or(""), code_of(response.status)),
              .message = fmt::format("the server answered with status {}", response.status)};
  const auto body = parse_json(response.body, "the error");
  if (body && body->is_object() && body->contains("error") && body->at("error").is_string()) {
    error.message = body->at("error").get<std::string>();
  }
  return error;
}

}  // namespace gust::http
