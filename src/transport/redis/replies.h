// Reads what the server answers (RESP2). hiredis' own reader would gather a chunk in a buffer that grows by 16 KiB at a
// time and copy it twice; here its bytes go from the socket to their place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust::transport::redis {

struct Token {
  enum class Type : char {
    kStatus = '+',   ///< `text`
    kError = '-',    ///< `text`
    kInteger = ':',  ///< `number`
    kBulk = '$',     ///< `number` bytes follow, to be read or skipped; -1 for none
    kArray = '*',    ///< `number` tokens follow; -1 for none
  };
  Type type{};
  std::int64_t number = 0;
  std::string text;
};

/// Of one socket, which must outlive it. For one thread.
class Replies {
 public:
  explicit Replies(int socket);

  /// Blocks. kUnavailable when the connection has ended, kTimedOut after the socket's own time limit (SO_RCVTIMEO) with
  /// nothing lost, kInvalid for what is no reply.
  Result<Token> next();
  /// The whole of a bulk, straight to `to`, or to nowhere. A time limit in the middle of it is kUnavailable.
  Result<void> read_bulk(std::byte* to, std::size_t size);
  Result<void> skip_bulk(std::size_t size) { return read_bulk(nullptr, size); }
  /// A part of a bulk; the last part is read with read_bulk().
  Result<void> read_part(std::byte* to, std::size_t size);
  /// A small bulk as text.
  Result<std::string> read_text(std::size_t size);

 private:
  Result<std::size_t> receive(std::byte* to, std::size_t room);
  Result<void> fill();

  const int socket_;
  std::vector<std::byte> stage_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace gust::transport::redis
