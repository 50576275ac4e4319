#include "transport/redis/list_queue.h"

#include <array>

namespace gust::transport::redis {

using message::FrameHeader;

namespace {

// How long the server holds a read of an empty list. What ends the wait is a frame, or the link's being shut.
constexpr std::string_view kWaitSeconds = "1";

class ListReader final : public Reader {
 public:
  using Reader::Reader;

 private:
  Result<bool> append_trim(std::string& request) override {
    if (taken_ == 0) return false;
    append_command(request, std::array<std::string_view, 4>{"LTRIM", key(), std::to_string(taken_), "-1"});
    taken_ = 0;
    return true;
  }

  // On behind what is received by half.
  void append_read(std::string& request, std::size_t count) override {
    append_command(request, std::array<std::string_view, 4>{"LRANGE", key(), std::to_string(partial_),
                                                            std::to_string(partial_ + count - 1)});
  }

  Result<Batch> take_batch() override {
    const Token array = GUST_TRY(expect(Token::Type::kArray));
    Batch batch{static_cast<std::size_t>(array.number), 0};
    for (std::int64_t i = 0; i < array.number; ++i) {
      const Token element = GUST_TRY(expect(Token::Type::kBulk));
      batch.bytes += static_cast<std::size_t>(element.number);
      GUST_TRY_VOID(take_element(static_cast<std::size_t>(element.number)));
    }
    return batch;
  }

  // A move of the first element to where it is: a read that waits, and removes nothing.
  Result<void> wait() override {
    std::string request;
    append_command(request, std::array<std::string_view, 6>{"BLMOVE", key(), key(), "LEFT", "LEFT", kWaitSeconds});
    GUST_TRY_VOID(link().write(request, SteadyTime::max()));
    const Token element = GUST_TRY(replies().next());
    if (element.type == Token::Type::kError) return std::unexpected(refusal(element.text));
    if (element.number < 0) return check_life();
    return take_element(static_cast<std::size_t>(element.number));
  }

  Result<void> take_element(std::size_t size) {
    if (GUST_TRY(take(size))) {
      taken_ += partial_ + 1;
      partial_ = 0;
    } else {
      partial_ = 1;
    }
    return {};
  }

  std::size_t taken_ = 0;    // elements of whole frames at the front of the list
  std::size_t partial_ = 0;  // the element behind them, when it is a header whose payload is still to be read
};

}  // namespace

Append ListQueue::append(std::string_view key, const FrameHeader& header) const {
  Append append;
  const bool is_inline = header.frame_bytes <= kInlineBytes;
  const std::string_view bytes(reinterpret_cast<const char*>(&header), sizeof header);
  append.before = is_inline ? "*3\r\n" : "*4\r\n";
  append_bulk(append.before, "RPUSH");
  append_bulk(append.before, key);
  append_frame(append.before, bytes, header.frame_bytes, is_inline);
  append.after = "\r\n";
  append.elements = is_inline ? 1 : 2;
  return append;
}

std::string ListQueue::length(std::string_view key) const {
  std::string text;
  append_command(text, std::array<std::string_view, 2>{"LLEN", key});
  return text;
}

std::unique_ptr<Reader> ListQueue::reader(const ReaderParts& parts) const {
  return std::make_unique<ListReader>(parts);
}

}  // namespace gust::transport::redis
