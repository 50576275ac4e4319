#include "transport/redis/link.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <utility>
#include <vector>

namespace gust::transport::redis {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A server that is there answers a connection at once.
constexpr timeval kConnectPatience{.tv_sec = 2, .tv_usec = 0};
// Of a server that owes an answer: the longest that it takes by itself is the second of a blocking read.
constexpr timeval kAnswerPatience{.tv_sec = 10, .tv_usec = 0};

std::string field(std::string_view info, std::string_view name) {
  const std::string start = std::string(name) + ":";
  const std::size_t at = info.find(start);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = info.substr(at + start.size());
  return std::string(rest.substr(0, rest.find_first_of("\r\n")));
}

}  // namespace

Error refusal(std::string_view text) {
  // That of a server that is starting, or changing hands.
  for (const std::string_view passing : {"LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN", "UNBLOCKED"}) {
    if (text.starts_with(passing)) return {ErrorCode::kUnavailable, "the server says: " + std::string(text)};
  }
  return {ErrorCode::kDenied, "the server refuses: " + std::string(text)};
}

Result<std::string> command(redisContext& connection, const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  const std::unique_ptr<redisReply, void (*)(redisReply*)> reply(
      static_cast<redisReply*>(
          ::redisCommandArgv(&connection, static_cast<int>(words.size()), texts.data(), sizes.data())),
      [](redisReply* raw) { ::freeReplyObject(raw); });
  if (!reply) return fail(ErrorCode::kUnavailable, connection.errstr);
  std::string text = reply->str == nullptr ? "" : std::string(reply->str, reply->len);
  if (reply->type == REDIS_REPLY_ERROR) return std::unexpected(refusal(text));
  if (reply->type == REDIS_REPLY_INTEGER) return std::to_string(reply->integer);
  return text;
}

Result<void> Life::check(redisContext& connection) {
  const MutexLock lock(mutex_);
  std::random_device random;
  const std::string offered = std::to_string(random()) + "-" + std::to_string(random());
  const std::string lifetime = std::to_string(kKeyLifetime.count());
  GUST_TRY(command(connection, {"SET", key_, offered, "NX", "EX", lifetime}));
  const std::string text = GUST_TRY(command(connection, {"GET", key_}));
  if (text.empty()) return fail(ErrorCode::kUnavailable, "the server was emptied just now");
  const std::string run_id = field(GUST_TRY(command(connection, {"INFO", "server"})), "run_id");
  const bool first = text_.empty();
  const bool restarted = !first && run_id != run_id_;
  if (!first && text != text_) {
    return fail(ErrorCode::kCancelled, "the server has lost the flare's messages: it was restarted or emptied");
  }
  if (restarted && field(GUST_TRY(command(connection, {"INFO", "persistence"})), "aof_enabled") == "0") {
    return fail(
        ErrorCode::kCancelled,
        "the server was restarted and may have lost some of the flare's messages: it writes no append-only file");
  }
  text_ = text;
  run_id_ = run_id;
  return {};
}

bool Life::is(std::string_view text) const {
  const MutexLock lock(mutex_);
  return text == text_;
}

Link::Link(std::unique_ptr<redisContext, Free> context) : context_(std::move(context)), replies_(context_->fd) {}

Result<std::unique_ptr<Link>> Link::open(const Address& address) {
  const auto doing = "connect to the Redis server " + address.text();
  std::unique_ptr<redisContext, Free> context(
      ::redisConnectWithTimeout(address.host.c_str(), address.port, kConnectPatience));
  if (!context || context->err != 0) {
    return std::unexpected(Error{ErrorCode::kUnavailable, context ? context->errstr : "no memory"}.while_doing(doing));
  }
  ::redisSetTimeout(context.get(), kConnectPatience);
  ::redisEnableKeepAlive(context.get());
  const auto log_in = [&]() -> Result<void> {
    if (!address.password.empty()) {
      std::vector<std::string> words = {"AUTH"};
      if (!address.user.empty()) words.push_back(address.user);
      words.push_back(address.password);
      GUST_TRY(command(*context, words));
    }
    if (address.database != 0) GUST_TRY(command(*context, {"SELECT", std::to_string(address.database)}));
    GUST_TRY(command(*context, {"PING"}));
    return {};
  };
  if (const auto logged_in = log_in(); !logged_in) return std::unexpected(logged_in.error().while_doing(doing));
  ::setsockopt(context->fd, SOL_SOCKET, SO_RCVTIMEO, &kAnswerPatience, sizeof kAnswerPatience);
  return std::unique_ptr<Link>(new Link(std::move(context)));
}

Result<void> Link::write(std::string_view text, SteadyTime deadline) {
  const message::Piece piece = std::as_bytes(std::span(text));
  return write({&piece, 1}, deadline);
}

Result<void> Link::write(std::span<const message::Piece> pieces, SteadyTime deadline) {
  std::array<iovec, 64> vectors;
  auto piece = pieces.begin();
  std::size_t at = 0;  // in the piece
  while (piece != pieces.end()) {
    std::size_t count = 0;
    std::size_t skip = at;
    for (auto next = piece; next != pieces.end() && count < vectors.size(); ++next) {
      vectors[count].iov_base = const_cast<std::byte*>(next->data() + skip);
      vectors[count++].iov_len = next->size() - skip;
      skip = 0;
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(context_->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      const auto left = std::min<std::chrono::nanoseconds>(deadline - Clock::now(), 1h);
      if (left <= 0ns) return fail(ErrorCode::kTimedOut, "the server does not read");
      pollfd entry{.fd = context_->fd, .events = POLLOUT, .revents = 0};
      ::poll(&entry, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
      continue;
    }
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail(ErrorCode::kUnavailable, std::string("the connection was lost: ") + std::strerror(errno));
    at += static_cast<std::size_t>(sent);
    while (piece != pieces.end() && at >= piece->size()) {
      at -= piece->size();
      ++piece;
    }
  }
  return {};
}

void Link::shut() { ::shutdown(context_->fd, SHUT_RDWR); }

void append_bulk(std::string& out, std::string_view word) {
  out += "$" + std::to_string(word.size()) + "\r\n";
  out += word;
  out += "\r\n";
}

void append_command(std::string& out, std::span<const std::string_view> words) {
  out += "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words) append_bulk(out, word);
}

}  // namespace gust::transport::redis
