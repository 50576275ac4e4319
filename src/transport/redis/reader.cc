#include "transport/redis/reader.h"

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

Result<void> Reader::run(const std::atomic<bool>& ending) {
  while (!ending) {
    std::string request;
    const bool trims = GUST_TRY(append_trim(request));
    append_read(request, batch_.count());
    GUST_TRY_VOID(link().write(request, SteadyTime::max()));
    if (trims) {
      const Token trimmed = GUST_TRY(replies().next());
      if (trimmed.type == Token::Type::kError) return std::unexpected(refusal(trimmed.text));
    }
    const Batch batch = GUST_TRY(take_batch());
    batch_.took(batch.elements, batch.bytes);
    if (batch.elements == 0) GUST_TRY_VOID(wait());
  }
  return {};
}

Result<Token> Reader::expect(Token::Type type) const {
  Token token = GUST_TRY(replies().next());
  if (token.type == Token::Type::kError) return std::unexpected(refusal(token.text));
  if (token.type != type || token.number < 0) {
    return fail(ErrorCode::kInvalid, "the server's answer is not one to what was asked");
  }
  return token;
}

Result<void> Reader::check_life() const {
  const std::string& life = parts_.life.key();
  std::string request;
  append_command(request, std::array<std::string_view, 2>{"GET", life});
  append_command(request, std::array<std::string_view, 3>{"EXPIRE", life, std::to_string(kKeyLifetime.count())});
  GUST_TRY_VOID(link().write(request, SteadyTime::max()));
  const Token text = GUST_TRY(replies().next());
  const bool is_there = text.type == Token::Type::kBulk && text.number >= 0;
  const std::string is = is_there ? GUST_TRY(replies().read_text(static_cast<std::size_t>(text.number))) : "";
  GUST_TRY(replies().next());
  if (parts_.life.is(is)) return {};
  return fail(ErrorCode::kCancelled, "the server has lost the flare's messages: it was emptied");
}

}  // namespace gust::transport::redis
