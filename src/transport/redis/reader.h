// Reads one queue over one connection: the loop that lists and streams have in common.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "transport/redis/intake.h"
#include "transport/redis/link.h"

namespace gust::transport::redis {

/// What a reader works with; all of it outlives the reader.
struct ReaderParts {
  Link& link;
  Intake& intake;
  const Life& life;
  std::string_view key;
  std::size_t chunk_bytes;
};

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

/// For one thread.
class Reader {
 public:
  explicit Reader(const ReaderParts& parts) : parts_(parts), batch_(parts.chunk_bytes) {}
  virtual ~Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Hands over what comes in until `ending` is set. kCancelled when the server has lost data; other errors as of Link
  /// and Intake.
  Result<void> run(const std::atomic<bool>& ending);

 protected:
  struct Batch {
    std::size_t elements = 0;
    std::size_t bytes = 0;
  };

  /// Adds the command that removes what has been received, if there is any. False when there is none.
  virtual Result<bool> append_trim(std::string& request) = 0;
  /// Adds the command that reads what comes next, at most `count` elements.
  virtual void append_read(std::string& request, std::size_t count) = 0;
  /// Takes in the reply to append_read().
  virtual Result<Batch> take_batch() = 0;
  /// The queue was empty.
  virtual Result<void> wait() = 0;

  [[nodiscard]] std::string_view key() const { return parts_.key; }
  [[nodiscard]] Link& link() const { return parts_.link; }
  [[nodiscard]] Replies& replies() const { return parts_.link.replies(); }
  /// A reply of this type, and not the absence of one. Errors as of Replies and refusal().
  [[nodiscard]] Result<Token> expect(Token::Type type) const;
  /// Hands over the element of `size` bytes that is next; true when a frame ends with it.
  [[nodiscard]] Result<bool> take(std::size_t size) const { return parts_.intake.take(replies(), size); }
  /// That the server still has the flare's key, and will for a while. kCancelled when not.
  [[nodiscard]] Result<void> check_life() const;

 private:
  const ReaderParts parts_;
  BatchSize batch_;
};

}  // namespace gust::transport::redis
