#include "transport/redis/list_queue.h"

#include <array>

namespace gust::transport::redis {

using message::FrameHeader;

namespace {

// How long the server holds a read of an empty list. What ends the wait is a frame, or the link's being shut.
constexpr std::string_view kWaitSeconds = "1";

// One reader of one list.
class Reader {
 public:
  Reader(Link& link, Intake& intake, const Life& life, std::string_view key, std::size_t chunk_bytes)
      : link_(link), intake_(intake), life_(life), key_(key), batch_(chunk_bytes) {}

  Result<void> run(const std::atomic<bool>& ending) {
    while (!ending) {
      const std::size_t got = GUST_TRY(take_batch());
      if (got == 0) GUST_TRY_VOID(wait());
    }
    return {};
  }

 private:
  // Removes what has been received, and reads on behind what is received by half.
  Result<std::size_t> take_batch() {
    std::string request;
    const bool trim = taken_ > 0;
    if (trim) append_command(request, std::array<std::string_view, 4>{"LTRIM", key_, std::to_string(taken_), "-1"});
    append_command(request, std::array<std::string_view, 4>{"LRANGE", key_, std::to_string(partial_),
                                                            std::to_string(partial_ + batch_.count() - 1)});
    GUST_TRY_VOID(link_.write(request, SteadyTime::max()));
    taken_ = 0;
    if (trim) GUST_TRY(expect(Token::Type::kStatus));
    const Token array = GUST_TRY(expect(Token::Type::kArray));
    std::size_t bytes = 0;
    for (std::int64_t i = 0; i < array.number; ++i) {
      const Token element = GUST_TRY(expect(Token::Type::kBulk));
      GUST_TRY_VOID(take(element));
      bytes += static_cast<std::size_t>(element.number);
    }
    const auto got = static_cast<std::size_t>(std::max<std::int64_t>(0, array.number));
    batch_.took(got, bytes);
    return got;
  }

  // A move of the first element to where it is: a read that waits, and removes nothing.
  Result<void> wait() {
    std::string request;
    append_command(request, std::array<std::string_view, 6>{"BLMOVE", key_, key_, "LEFT", "LEFT", kWaitSeconds});
    GUST_TRY_VOID(link_.write(request, SteadyTime::max()));
    const Token element = GUST_TRY(link_.replies().next());
    if (element.type == Token::Type::kError) return std::unexpected(refusal(element.text));
    if (element.number < 0) return check_life(link_, life_);
    return take(element);
  }

  Result<void> take(const Token& element) {
    if (element.number < 0) return fail(ErrorCode::kInvalid, "the server's answer has a hole");
    if (GUST_TRY(intake_.take(link_.replies(), static_cast<std::size_t>(element.number)))) {
      taken_ += partial_ + 1;
      partial_ = 0;
    } else {
      partial_ = 1;
    }
    return {};
  }

  Result<Token> expect(Token::Type type) { return expect_token(link_, type); }

  Link& link_;
  Intake& intake_;
  const Life& life_;
  const std::string_view key_;
  BatchSize batch_;
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

Error ListQueue::receive(Link& link, Intake& intake, const Life& life, std::string_view key,
                         const std::atomic<bool>& ending) {
  Reader reader(link, intake, life, key, chunk_bytes_);
  const auto ran = reader.run(ending);
  return ran ? Error{ErrorCode::kUnavailable, "the transport has ended"} : ran.error();
}

}  // namespace gust::transport::redis
