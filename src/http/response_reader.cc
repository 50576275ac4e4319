#include "http/response_reader.h"

#include <boost/asio/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace gust::http {
namespace {

namespace beast_http = boost::beast::http;
using ResponseParser = beast_http::response_parser<beast_http::string_body>;

constexpr std::uint32_t kMostHeader = 256 << 10;

Awaitable<NetError> parse(Stream& stream, Buffer& buffer, ResponseParser& parser) {
  while (!parser.is_done()) {
    NetError error;
    if (buffer.size() > 0) {
      buffer.consume(parser.put(boost::asio::const_buffer(buffer.data()), error));
      if (error && error != beast_http::error::need_more) co_return error;
      if (parser.is_done()) break;
    }
    if (parser.is_header_done()) buffer.reserve(kLargeRead);
    error = co_await stream.fill(buffer);
    if (error == boost::asio::error::eof && parser.got_some()) {
      parser.put_eof(error);  // the right end of a response without a length, and of no other
      co_return error ? NetError(boost::asio::error::eof) : error;
    }
    if (error) co_return error;
  }
  co_return NetError();
}

}  // namespace

Awaitable<Reply> read_response(Stream& stream, Buffer& buffer, bool to_head) {
  Reply reply;
  for (;;) {
    ResponseParser parser;
    parser.eager(true);
    parser.skip(to_head);
    parser.header_limit(kMostHeader);
    parser.body_limit(kMostResponse);
    reply.error = co_await parse(stream, buffer, parser);
    reply.begun = reply.begun || parser.got_some() || buffer.size() > 0;
    if (reply.error) co_return reply;
    const auto status = parser.get().result_int();
    if (status / 100 == 1 && status != 101) continue;
    reply.after = parser.keep_alive() && buffer.size() == 0 ? After::kKeep : After::kClose;
    auto message = parser.release();
    reply.response.status = status;
    reply.response.content_type = std::string(message[beast_http::field::content_type]);
    reply.response.headers = headers_of(message);
    reply.response.body = std::move(message.body());
    co_return reply;
  }
}

}  // namespace gust::http
