// An HTTP/1.1 server on Boost.Beast: plain and TLS on the same port (the first byte tells), kept connections,
// absolute-form targets, limits on every size and time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "http/handler.h"
#include "http/tls.h"

namespace boost::asio {
class io_context;
}

namespace gust::http {

enum class Transport : std::uint8_t { kPlainAndTls, kTlsOnly, kPlainOnly };

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: chosen by the kernel, see Server::port
  Transport transport = Transport::kPlainAndTls;
  Bytes header_limit = Bytes(64 << 10);  ///< 431 beyond it
  Bytes body_limit = Bytes::mb(96);      ///< 413 beyond it, before the body is read where its length is given
  std::chrono::milliseconds header_timeout{
      10'000};  ///< TLS handshake; then from a request's first byte to its header's end
  std::chrono::milliseconds body_timeout{
      60'000};  ///< from the header's end to the body's, and a second more for each 64 KB received
  std::chrono::milliseconds idle_timeout{75'000};  ///< a kept connection without a request
  std::uint32_t max_connections = 16'384;          ///< further ones wait in the kernel's queue
};

class Server {
 public:
  /// Listens and serves until stop(). The io_context may be run by several threads. kUnavailable with a sentence when
  /// the address is in use or not ours; kInvalid when it is no address, or TLS is wanted and the certificate is missing
  /// or wrong.
  static Result<std::unique_ptr<Server>> start(boost::asio::io_context& io, ServerOptions options,
                                               std::optional<Certificate> certificate, Handler handler);

  /// Stops as stop() does. The io_context must still exist.
  virtual ~Server() = default;

  /// The port that it listens on, also when the kernel chose it.
  [[nodiscard]] virtual std::uint16_t port() const = 0;

  /// Stops listening and closes idle connections; those with a request get their answer first, and io_context::run()
  /// returns when the last one has it. Returns at once; from any thread.
  virtual void stop() = 0;
};

}  // namespace gust::http
