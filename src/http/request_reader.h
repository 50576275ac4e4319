// Reads one request from a connection. Inside the module only.
#pragma once

#include <variant>

#include "http/message.h"
#include "http/server.h"
#include "http/stream.h"
#include "http/wire.h"

namespace gust::http {

struct Received {
  Request request;
  unsigned version = 11;
  After after = After::kKeep;
};

/// What is wrong with the request, as its answer; the rest of it was not read.
struct Refused {
  Response answer;
};

/// The peer left, or does not take what we send.
struct Gone {};

/// `buffer` holds the first bytes already, and what follows the request afterwards. Answers "Expect: 100-continue".
Awaitable<std::variant<Gone, Received, Refused>> read_request(Stream& stream, Buffer& buffer,
                                                              const ServerOptions& options);

}  // namespace gust::http
