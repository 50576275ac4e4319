// One request on its way through a route: who asks, for what, and the one answer it must get.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "http/handler.h"
#include "http/message.h"

namespace gust::openwhisk {

/// Moves with the request: into the controller's callbacks too. Exactly one answer…() must be called on it.
class Call {
 public:
  Call(http::Request request, http::Responder respond, WallTime received);

  [[nodiscard]] const http::Request& request() const { return request_; }
  [[nodiscard]] WallTime received() const { return received_; }
  /// The caller's, once the key was recognised.
  [[nodiscard]] const std::string& namespace_name() const { return namespace_name_; }
  /// What the path names below its entity: "hello", "package/hello", an id; empty for a list.
  [[nodiscard]] const std::string& name() const { return name_; }

  /// The request's body, for good: large ones should not live as long as their flare.
  [[nodiscard]] std::string take_body() { return std::exchange(request_.body, {}); }
  void set_namespace(std::string name) { namespace_name_ = std::move(name); }
  void set_name(std::string name) { name_ = std::move(name); }
  void add_header(std::string name, std::string value);

  /// `json` is the body's text.
  void answer(unsigned status, std::string json);
  void answer_text(unsigned status, std::string text);
  /// {"error", "code"}, as OpenWhisk's clients insist on; `code` is the transaction id.
  void answer_error(unsigned status, std::string_view sentence);
  void answer_error(const Error& error);
  /// 200 with the body, or the error.
  void answer(Result<std::string> json);

 private:
  void answer_error(http::Response response, std::string_view sentence);

  http::Request request_;
  http::Responder respond_;
  WallTime received_;
  std::string transaction_id_;
  std::string namespace_name_;
  std::string name_;
  http::Headers headers_;
};

}  // namespace gust::openwhisk
