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

class StreamReader final : public Reader {
 public:
  using Reader::Reader;

 private:
  Result<bool> append_trim(std::string& request) override {
    if (last_ == trimmed_) return false;
    const std::string bound = GUST_TRY(successor(last_));
    append_command(request, std::array<std::string_view, 4>{"XTRIM", key(), "MINID", bound});
    trimmed_ = last_;
    return true;
  }

  void append_read(std::string& request, std::size_t count) override {
    append_command(request, std::array<std::string_view, 8>{"XREAD", "COUNT", std::to_string(count), "BLOCK",
                                                            kWaitMillis, "STREAMS", key(), last_});
  }

  // [[key, [[id, [field, value, ...]], ...]]], or none.
  Result<Batch> take_batch() override {
    const Token streams = GUST_TRY(replies().next());
    if (streams.type == Token::Type::kError) return std::unexpected(refusal(streams.text));
    if (streams.number < 1) return Batch{};
    GUST_TRY(expect(Token::Type::kArray));
    GUST_TRY(text());
    const Token entries = GUST_TRY(expect(Token::Type::kArray));
    Batch batch{static_cast<std::size_t>(entries.number), 0};
    for (std::int64_t i = 0; i < entries.number; ++i) {
      GUST_TRY(expect(Token::Type::kArray));
      std::string id = GUST_TRY(text());
      const Token fields = GUST_TRY(expect(Token::Type::kArray));
      for (std::int64_t field = 0; field < fields.number; field += 2) {
        GUST_TRY(text());
        const Token value = GUST_TRY(expect(Token::Type::kBulk));
        GUST_TRY(take(static_cast<std::size_t>(value.number)));
        batch.bytes += static_cast<std::size_t>(value.number);
      }
      last_ = std::move(id);
    }
    return batch;
  }

  // The read has waited.
  Result<void> wait() override { return check_life(); }

  Result<std::string> text() const {
    const Token bulk = GUST_TRY(expect(Token::Type::kBulk));
    return replies().read_text(static_cast<std::size_t>(bulk.number));
  }

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

std::unique_ptr<Reader> StreamQueue::reader(const ReaderParts& parts) const {
  return std::make_unique<StreamReader>(parts);
}

}  // namespace gust::transport::redis
