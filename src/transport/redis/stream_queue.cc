#include "transport/redis/stream_queue.h"

#include <array>
#include <charconv>

namespace gust::transport::redis {

using message::FrameHeader;

namespace {

// How long the server holds a read of an empty stream. What ends the wait is a frame, or the link's being shut.
constexpr std::string_view kWaitMillis = "1000";

// "1526985054069-0" to "1526985054069-1": nothing is between them.
Result<std::string> successor(const std::string& id) {
  const std::size_t dash = id.find('-');
  std::uint64_t number = 0;
  const char* end = id.data() + id.size();
  if (dash == std::string::npos || std::from_chars(id.data() + dash + 1, end, number).ptr != end) {
    return fail(ErrorCode::kInvalid, "the server named a stream's entry '" + id + "'");
  }
  return id.substr(0, dash + 1) + std::to_string(number + 1);
}

// One reader of one stream.
class Reader {
 public:
  Reader(Link& link, Intake& intake, const Life& life, std::string_view key, std::size_t chunk_bytes)
      : link_(link), intake_(intake), life_(life), key_(key), batch_(chunk_bytes) {}

  Result<void> run(const std::atomic<bool>& ending) {
    while (!ending) {
      std::string request;
      const bool trim = last_ != trimmed_;
      if (trim) {
        const std::string bound = GUST_TRY(successor(last_));
        append_command(request, std::array<std::string_view, 4>{"XTRIM", key_, "MINID", bound});
        trimmed_ = last_;
      }
      const std::string count = std::to_string(batch_.count());
      append_command(request, std::array<std::string_view, 8>{"XREAD", "COUNT", count, "BLOCK", kWaitMillis, "STREAMS",
                                                              key_, last_});
      GUST_TRY_VOID(link_.write(request, SteadyTime::max()));
      if (trim) GUST_TRY(expect_token(link_, Token::Type::kInteger));
      GUST_TRY_VOID(take_batch());
    }
    return {};
  }

 private:
  // [[key, [[id, [field, value, ...]], ...]]], or none.
  Result<void> take_batch() {
    const Token streams = GUST_TRY(link_.replies().next());
    if (streams.type == Token::Type::kError) return std::unexpected(refusal(streams.text));
    if (streams.number < 1) return check_life(link_, life_);
    GUST_TRY(expect_token(link_, Token::Type::kArray));
    GUST_TRY(text());
    const Token entries = GUST_TRY(expect_token(link_, Token::Type::kArray));
    std::size_t bytes = 0;
    for (std::int64_t i = 0; i < entries.number; ++i) {
      GUST_TRY(expect_token(link_, Token::Type::kArray));
      std::string id = GUST_TRY(text());
      const Token fields = GUST_TRY(expect_token(link_, Token::Type::kArray));
      for (std::int64_t field = 0; field < fields.number; field += 2) {
        GUST_TRY(text());
        const Token value = GUST_TRY(expect_token(link_, Token::Type::kBulk));
        GUST_TRY(intake_.take(link_.replies(), static_cast<std::size_t>(value.number)));
        bytes += static_cast<std::size_t>(value.number);
      }
      last_ = std::move(id);
    }
    batch_.took(static_cast<std::size_t>(entries.number), bytes);
    return {};
  }

  Result<std::string> text() {
    const Token bulk = GUST_TRY(expect_token(link_, Token::Type::kBulk));
    return link_.replies().read_text(static_cast<std::size_t>(bulk.number));
  }

  Link& link_;
  Intake& intake_;
  const Life& life_;
  const std::string_view key_;
  BatchSize batch_;
  std::string last_ = "0-0";  // everything up to it has been received
  std::string trimmed_ = last_;
};

}  // namespace

Append StreamQueue::append(std::string_view key, const FrameHeader& header) const {
  Append append;
  const bool is_inline = header.frame_bytes <= kInlineBytes;
  const std::string_view bytes(reinterpret_cast<const char*>(&header), sizeof header);
  append.before = is_inline ? "*5\r\n" : "*7\r\n";
  for (const std::string_view word : {std::string_view("XADD"), key, std::string_view("*"), std::string_view("f")}) {
    append_bulk(append.before, word);
  }
  append_frame(append.before, bytes, header.frame_bytes, is_inline, "p");
  append.after = "\r\n" + length(key);
  append.replies = 2;
  return append;
}

std::string StreamQueue::length(std::string_view key) const {
  std::string text;
  append_command(text, std::array<std::string_view, 2>{"XLEN", key});
  return text;
}

Error StreamQueue::receive(Link& link, Intake& intake, const Life& life, std::string_view key,
                           const std::atomic<bool>& ending) {
  Reader reader(link, intake, life, key, chunk_bytes_);
  const auto ran = reader.run(ending);
  return ran ? Error{ErrorCode::kUnavailable, "the transport has ended"} : ran.error();
}

}  // namespace gust::transport::redis
