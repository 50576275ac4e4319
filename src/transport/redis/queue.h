// How frames lie in the server: a queue for each receiving pack, as a list or as a stream. Many packs append to it; one
// reads, and removes what it has read only then, so that nothing is lost with a connection.
//
// A frame is one element of its header and its payload, or, where the payload is large, an element for each: then the
// payload is received straight into its place.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "message/transport.h"
#include "transport/redis/intake.h"
#include "transport/redis/link.h"

namespace gust::transport::redis {

/// Payloads up to this many bytes travel in one element with their header.
inline constexpr std::size_t kInlineBytes = 4096;

/// A command that appends a frame, without the frame's payload, which stands between the two.
struct Append {
  std::string before;
  std::string after;
  int replies = 1;  ///< the last of which is an integer: how many elements the queue has then
  int elements = 1;
};

class Queue {
 public:
  virtual ~Queue() = default;

  virtual Append append(std::string_view key, const message::FrameHeader& header) const = 0;
  /// A command whose reply is the number of elements.
  virtual std::string length(std::string_view key) const = 0;
  /// Hands over what comes in until the connection or the server fails, or `ending` is set and the link shut. Its error
  /// is kCancelled when the server has lost data.
  virtual Error receive(Link& link, Intake& intake, const Life& life, std::string_view key,
                        const std::atomic<bool>& ending) = 0;
};

/// For readers of empty queues, now and then: the server still has the flare's key. kCancelled when not.
Result<void> check_life(Link& link, const Life& life);

/// The next token, which is of this type, and not the absence of one. Errors as of Replies and refusal().
Result<Token> expect_token(Link& link, Token::Type type);

/// The end of Append::before: the header and the beginning of the payload's bulk, or both as one bulk; `field` goes
/// between.
void append_frame(std::string& out, std::string_view header, std::size_t payload_bytes, bool is_inline,
                  std::string_view field = {});

/// How many elements to ask for at once: so much that the server is not asked for each one, and so little that it need
/// not hold large answers.
class BatchSize {
 public:
  explicit BatchSize(std::size_t chunk_bytes);
  [[nodiscard]] std::size_t count() const { return count_; }
  /// What has come.
  void took(std::size_t elements, std::size_t bytes);

 private:
  const std::size_t least_;
  std::size_t count_;
};

}  // namespace gust::transport::redis
