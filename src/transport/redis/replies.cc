#include "transport/redis/replies.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sys/socket.h>

namespace gust::transport::redis {

namespace {

// Small replies are read many at a time; of a larger bulk what is not staged goes straight to its place.
constexpr std::size_t kStageBytes = 64 << 10;
constexpr std::size_t kDirectBytes = 16 << 10;

std::unexpected<Error> malformed() {
  return fail(ErrorCode::kInvalid, "the server's answer is none of Redis' protocol");
}

}  // namespace

Replies::Replies(int socket) : socket_(socket), stage_(kStageBytes) {}

Result<std::size_t> Replies::receive(std::byte* to, std::size_t room) {
  while (true) {
    const ssize_t got = ::recv(socket_, to, room, 0);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) return fail(ErrorCode::kUnavailable, "the server closed the connection");
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return fail(ErrorCode::kTimedOut, "the server does not answer");
    return fail(ErrorCode::kUnavailable, std::string("the connection was lost: ") + std::strerror(errno));
  }
}

Result<void> Replies::fill() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (end_ == stage_.size()) {
    if (begin_ == 0) return malformed();  // no line is so long
    std::memmove(stage_.data(), stage_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  end_ += GUST_TRY(receive(stage_.data() + end_, stage_.size() - end_));
  return {};
}

Result<Token> Replies::next() {
  while (true) {
    const std::string_view staged(reinterpret_cast<const char*>(stage_.data()) + begin_, end_ - begin_);
    const std::size_t line_end = staged.find("\r\n");
    if (line_end == std::string_view::npos) {
      GUST_TRY_VOID(fill());
      continue;
    }
    if (line_end == 0) return malformed();
    Token token;
    token.type = static_cast<Token::Type>(staged[0]);
    const std::string_view line = staged.substr(1, line_end - 1);
    begin_ += line_end + 2;
    switch (token.type) {
      case Token::Type::kStatus:
      case Token::Type::kError: token.text = line; return token;
      case Token::Type::kInteger:
      case Token::Type::kBulk:
      case Token::Type::kArray: {
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), token.number);
        if (error != std::errc() || end != line.data() + line.size()) return malformed();
        return token;
      }
    }
    return malformed();
  }
}

Result<void> Replies::read_part(std::byte* to, std::size_t size) {
  const auto lasting = [](Result<void> result) {  // half a bulk cannot be read later
    if (!result && result.error().code == ErrorCode::kTimedOut) result.error().code = ErrorCode::kUnavailable;
    return result;
  };
  while (size > 0) {
    std::size_t part = std::min(size, end_ - begin_);
    if (part > 0) {
      if (to != nullptr) std::memcpy(to, stage_.data() + begin_, part);
      begin_ += part;
    } else if (to == nullptr || size < kDirectBytes) {
      GUST_TRY_VOID(lasting(fill()));
    } else {
      const auto got = receive(to, size);
      if (!got) return lasting(std::unexpected(got.error()));
      part = *got;
    }
    if (to != nullptr) to += part;
    size -= part;
  }
  return {};
}

Result<void> Replies::read_bulk(std::byte* to, std::size_t size) {
  GUST_TRY_VOID(read_part(to, size));
  char end[2];
  GUST_TRY_VOID(read_part(reinterpret_cast<std::byte*>(end), sizeof end));
  if (end[0] != '\r' || end[1] != '\n') return malformed();
  return {};
}

Result<std::string> Replies::read_text(std::size_t size) {
  if (size > stage_.size()) return malformed();
  std::string text(size, '\0');
  GUST_TRY_VOID(read_bulk(reinterpret_cast<std::byte*>(text.data()), size));
  return text;
}

}  // namespace gust::transport::redis
