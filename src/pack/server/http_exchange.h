// One POST to an action's server and its answer.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace gust::pack {

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
};

/// On a connection of its own, which it does not keep: servers of action containers are not asked often. Non-blocking,
/// to be watched by edges.
class HttpExchange {
 public:
  /// `body` is JSON; `max_answer` bytes of the answer's are taken.
  HttpExchange(UniqueFd connection, std::string_view path, std::shared_ptr<const std::string> body,
               std::size_t max_answer);
  ~HttpExchange();
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  [[nodiscard]] int fd() const { return connection_.get(); }
  /// Sends and receives what is possible; true when that was all. Afterwards answer() tells what has come.
  bool proceed();
  /// Once. kTooLarge; kUnavailable when the connection ended without a whole answer.
  Result<HttpAnswer> answer();

 private:
  struct Parser;

  void send();
  /// False when nothing more can come.
  bool receive();

  UniqueFd connection_;
  std::string head_;
  std::shared_ptr<const std::string> body_;
  std::size_t sent_ = 0;  ///< of both
  std::unique_ptr<Parser> parser_;
};

}  // namespace gust::pack
