// An HTTP/1.1 client on Boost.Beast: plain or TLS, with a kept connection or a new one for each request.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace gust::http {

struct Endpoint {
  bool tls = true;
  std::string host = "127.0.0.1";
  std::uint16_t port = 3233;
  std::string base_path = {};  ///< without a trailing slash; put in front of every request's path
};

/// Reads "https://host:port[/path]" or "http://…"; the port defaults to 443 or 80. kInvalid otherwise.
Result<Endpoint> parse_endpoint(std::string_view url);

struct ClientOptions {
  std::string authorization = {};      ///< "user:key" for HTTP Basic; empty for none
  std::string trusted_chain_pem = {};  ///< the only certificates to trust; empty for the system's
  bool verify_certificate = true;
  std::chrono::milliseconds timeout{70'000};  ///< for one request, connecting included
};

enum class ConnectionUse : std::uint8_t {
  kKept,  ///< reused by the next request
  kNew,   ///< a new connection, with a full TLS handshake, closed after the response: as Lithops does
};

/// Sends requests; errors are kUnavailable (no connection; the message names the endpoint and says what to do),
/// kTimedOut, kDenied (certificate not trusted), kTooLarge (a response over 256 MB). A request on a kept connection
/// that the server closed meanwhile is sent once more on a new one, if no byte of an answer came. An HTTP error status
/// is not an error here.
class Client {
 public:
  virtual ~Client() = default;
  static Result<std::unique_ptr<Client>> create(Endpoint endpoint, ClientOptions options);

  /// Blocks. Only on one thread at a time. The request's path is percent-encoded already (target.h), its query is not.
  virtual Result<Response> send(Request request) = 0;

  /// As a coroutine on `io`, which outlives the client; from any thread, any number at once (each takes a kept
  /// connection that is free, or opens one).
  virtual boost::asio::awaitable<Result<Response>> async_send(boost::asio::io_context& io, Request request,
                                                              ConnectionUse connection) = 0;
};

}  // namespace gust::http
