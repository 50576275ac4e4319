// Reads one response from a connection. Inside the module only.
#pragma once

#include "http/message.h"
#include "http/stream.h"
#include "http/wire.h"

namespace gust::http {

struct Reply {
  NetError error;
  bool begun = false;  ///< at least one byte of it came
  After after = After::kClose;
  Response response;
};

/// kMostResponse bytes of body at most; interim responses (1xx) are passed over. `to_head` responses have no body.
Awaitable<Reply> read_response(Stream& stream, Buffer& buffer, bool to_head);

inline constexpr std::uint64_t kMostResponse = 256ULL << 20;

}  // namespace gust::http
