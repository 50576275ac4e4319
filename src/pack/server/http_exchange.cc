#include "pack/server/http_exchange.h"

#include <http_parser.h>

#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <utility>

namespace gust::pack {

struct HttpExchange::Parser {
  explicit Parser(std::size_t max) : max_answer(max) {
    http_parser_init(&state, HTTP_RESPONSE);
    state.data = this;
    http_parser_settings_init(&settings);
    settings.on_body = [](http_parser* parser, const char* bytes, std::size_t size) {
      auto& self = *static_cast<Parser*>(parser->data);
      if (self.answer.body.size() + size > self.max_answer) {
        self.too_large = true;
        return 1;
      }
      self.answer.body.append(bytes, size);
      return 0;
    };
    settings.on_message_complete = [](http_parser* parser) {
      auto& self = *static_cast<Parser*>(parser->data);
      if (parser->status_code / 100 == 1) return 0;  // the answer itself follows
      self.answer.status = parser->status_code;
      self.complete = true;
      http_parser_pause(parser, 1);
      return 0;
    };
  }

  /// No bytes are the connection's end, which for some answers is theirs. False when nothing more can come of it.
  bool take(std::string_view bytes) {
    http_parser_execute(&state, &settings, bytes.data(), bytes.size());
    return !complete && HTTP_PARSER_ERRNO(&state) == HPE_OK;
  }

  http_parser state{};
  http_parser_settings settings{};
  std::size_t max_answer;
  HttpAnswer answer;
  bool complete = false;
  bool too_large = false;
};

HttpExchange::HttpExchange(UniqueFd connection, std::string_view path, std::shared_ptr<const std::string> body,
                           std::size_t max_answer)
    : connection_(std::move(connection)), body_(std::move(body)), parser_(std::make_unique<Parser>(max_answer)) {
  head_ = "POST " + std::string(path) +
          " HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: application/json\r\nConnection: close\r\n"
          "Content-Length: " +
          std::to_string(body_->size()) + "\r\n\r\n";
}

HttpExchange::~HttpExchange() = default;

// What the server answers without having read everything counts, so a connection that takes no more is read, too.
bool HttpExchange::proceed() {
  send();
  return !receive();
}

void HttpExchange::send() {
  while (sent_ < head_.size() + body_->size()) {
    const std::string& part = sent_ < head_.size() ? head_ : *body_;
    const std::size_t begin = sent_ < head_.size() ? sent_ : sent_ - head_.size();
    const ssize_t sent = ::send(fd(), part.data() + begin, part.size() - begin, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return;  // full, or broken: then reading says so
    sent_ += static_cast<std::size_t>(sent);
  }
}

bool HttpExchange::receive() {
  std::array<char, 64 << 10> buffer;  // not initialised: only what arrived is looked at
  while (true) {
    const ssize_t got = ::recv(fd(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (!parser_->take({buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0}) || got <= 0) return false;
  }
}

Result<HttpAnswer> HttpExchange::answer() {
  if (parser_->too_large) {
    return fail(ErrorCode::kTooLarge, "an answer of more than " + std::to_string(parser_->max_answer >> 20) +
                                          " MB; write large results to storage and return where they are");
  }
  if (parser_->complete) return std::move(parser_->answer);
  return fail(ErrorCode::kUnavailable, "no whole answer in HTTP before the connection ended");
}

}  // namespace gust::pack
