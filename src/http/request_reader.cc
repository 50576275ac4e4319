#include "http/request_reader.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include "http/status.h"
#include "http/target.h"

namespace gust::http {
namespace {

namespace beast_http = boost::beast::http;
using RequestParser = beast_http::request_parser<beast_http::string_body>;

/// A body that sends at least this much a second is not cut off by body_timeout.
constexpr std::uint64_t kLeastBodyRate = 64 << 10;

Refused refused(unsigned status, std::string message) {
  return Refused{.answer = error_response(status, std::move(message))};
}

Refused refusal_of(NetError error, const ServerOptions& options) {
  if (error == boost::asio::error::timed_out) {
    return refused(408, "the request did not arrive in time; send it faster or in smaller parts");
  }
  if (error == beast_http::error::header_limit || error == boost::asio::error::no_buffer_space) {
    return refused(431, fmt::format("the request's headers are over the limit of {}", to_string(options.header_limit)));
  }
  if (error == beast_http::error::body_limit) {
    return refused(413, fmt::format("the request's body is over the limit of {}", to_string(options.body_limit)));
  }
  return refused(400, fmt::format("this is not a valid HTTP/1.1 request: {}", error.message()));
}

bool is_refusable(NetError error) {
  return error == boost::asio::error::timed_out || error == boost::asio::error::no_buffer_space ||
         error.category() == beast_http::make_error_code(beast_http::error::bad_method).category();
}

/// Parses what is in the buffer and reads more, until `done`.
template <class Done>
Awaitable<NetError> parse_until(Stream& stream, Buffer& buffer, RequestParser& parser, SteadyTime deadline,
                                std::chrono::milliseconds per_piece, Done done) {
  for (;;) {
    if (buffer.size() > 0) {
      NetError error;
      buffer.consume(parser.put(boost::asio::const_buffer(buffer.data()), error));
      if (error && error != beast_http::error::need_more) co_return error;
      if (done()) co_return NetError();
    }
    stream.expires_at(deadline);
    const std::size_t before = buffer.size();
    const NetError error = co_await stream.fill(buffer);
    if (error) co_return error;
    deadline += per_piece * (buffer.size() - before) / kLeastBodyRate;
  }
}

/// What the header asks for that we do not do, if anything.
std::optional<Refused> unsupported(const RequestParser& parser) {
  const auto& message = parser.get();
  const auto coding = message[beast_http::field::transfer_encoding];
  if (!coding.empty() && !boost::beast::iequals(coding, "chunked")) {
    return refused(501, "the only Transfer-Encoding that is understood is chunked");
  }
  const auto expect = message[beast_http::field::expect];
  if (!expect.empty() && !boost::beast::iequals(expect, "100-continue")) {
    return refused(417, "the only expectation that is understood is 100-continue");
  }
  return std::nullopt;
}

}  // namespace

Awaitable<std::variant<Gone, Received, Refused>> read_request(Stream& stream, Buffer& buffer,
                                                              const ServerOptions& options) {
  using Outcome = std::variant<Gone, Received, Refused>;
  RequestParser parser;
  parser.header_limit(static_cast<std::uint32_t>(std::min<std::uint64_t>(options.header_limit.count(), UINT32_MAX)));
  parser.body_limit(options.body_limit.count());

  const SteadyTime header_deadline = std::chrono::steady_clock::now() + options.header_timeout;
  NetError error = co_await parse_until(stream, buffer, parser, header_deadline, std::chrono::milliseconds(0),
                                        [&parser] { return parser.is_header_done(); });
  if (error) co_return is_refusable(error) ? Outcome(refusal_of(error, options)) : Outcome(Gone());
  if (auto refusal = unsupported(parser)) co_return Outcome(std::move(*refusal));

  // Refused before the body is read: a wrong target will not get better.
  auto target = parse_target(std::string_view(parser.get().target()));
  if (!target) co_return Outcome(Refused{.answer = error_response(target.error())});

  if (!parser.is_done()) {
    parser.eager(true);
    if (parser.get().count(beast_http::field::expect) > 0 && parser.get().version() == 11 && buffer.size() == 0) {
      if (co_await stream.write("HTTP/1.1 100 Continue\r\n\r\n", options.body_timeout)) co_return Outcome(Gone());
    }
    if (parser.content_length().value_or(kLargeRead) >= kLargeRead)
      buffer.reserve(std::min(kLargeRead, buffer.max_size()));
    const SteadyTime body_deadline = std::chrono::steady_clock::now() + options.body_timeout;
    error = co_await parse_until(stream, buffer, parser, body_deadline, std::chrono::milliseconds(1000),
                                 [&parser] { return parser.is_done(); });
    if (error) co_return is_refusable(error) ? Outcome(refusal_of(error, options)) : Outcome(Gone());
  }

  auto message = parser.release();
  Received received;
  received.version = message.version();
  received.after = message.keep_alive() ? After::kKeep : After::kClose;
  received.request = Request{.method = std::string(message.method_string()),
                             .path = std::move(target->path),
                             .query = std::move(target->query),
                             .headers = headers_of(message),
                             .body = std::move(message.body())};
  co_return Outcome(std::move(received));
}

}  // namespace gust::http
