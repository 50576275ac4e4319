#include "transport/redis/queue.h"

#include <algorithm>
#include <array>

namespace gust::transport::redis {

namespace {

// What the server gathers for one answer.
constexpr std::size_t kBatchBytes = std::size_t{4} << 20;
constexpr std::size_t kMostElements = 256;

}  // namespace

BatchSize::BatchSize(std::size_t chunk_bytes)
    : least_(
          std::max<std::size_t>(4, std::min(kMostElements, 2 * kBatchBytes / std::max<std::size_t>(1, chunk_bytes)))),
      count_(least_) {}

void BatchSize::took(std::size_t elements, std::size_t bytes) {
  const bool small = bytes < kBatchBytes / 4;
  if (elements == count_ && small) count_ = std::min(2 * count_, kMostElements);
  if (!small) count_ = least_;
}

Result<Token> expect_token(Link& link, Token::Type type) {
  Token token = GUST_TRY(link.replies().next());
  if (token.type == Token::Type::kError) return std::unexpected(refusal(token.text));
  if (token.type != type || token.number < 0) {
    return fail(ErrorCode::kInvalid, "the server's answer is not one to what was asked");
  }
  return token;
}

void append_frame(std::string& out, std::string_view header, std::size_t payload_bytes, bool is_inline,
                  std::string_view field) {
  if (is_inline) {
    out += "$" + std::to_string(header.size() + payload_bytes) + "\r\n";
    out += header;
    return;
  }
  append_bulk(out, header);
  if (!field.empty()) append_bulk(out, field);
  out += "$" + std::to_string(payload_bytes) + "\r\n";
}

Result<void> check_life(Link& link, const Life& life) {
  std::string request;
  append_command(request, std::array<std::string_view, 2>{"GET", life.key()});
  append_command(request, std::array<std::string_view, 3>{"EXPIRE", life.key(), std::to_string(kKeyLifetime.count())});
  GUST_TRY_VOID(link.write(request, SteadyTime::max()));
  const Token text = GUST_TRY(link.replies().next());
  const bool is_there = text.type == Token::Type::kBulk && text.number >= 0;
  const std::string is = is_there ? GUST_TRY(link.replies().read_text(static_cast<std::size_t>(text.number))) : "";
  GUST_TRY(link.replies().next());
  if (life.is(is)) return {};
  return fail(ErrorCode::kCancelled, "the server has lost the flare's messages: it was emptied");
}

}  // namespace gust::transport::redis
