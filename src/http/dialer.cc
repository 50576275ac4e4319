#include "http/dialer.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace gust::http {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

std::string name_of(const Endpoint& endpoint) {
  const bool v6 = endpoint.host.contains(':');
  return fmt::format("{}://{}{}{}:{}", endpoint.tls ? "https" : "http", v6 ? "[" : "", endpoint.host, v6 ? "]" : "",
                     endpoint.port);
}

Trust trust_of(const ClientOptions& options) {
  if (!options.verify_certificate) return Trust::kAnybody;
  return options.trusted_chain_pem.empty() ? Trust::kSystem : Trust::kGiven;
}

std::string lower_first(std::string text) {
  if (text.size() > 1 && std::isupper(static_cast<unsigned char>(text[0])) != 0 &&
      std::isupper(static_cast<unsigned char>(text[1])) == 0) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  return text;
}

}  // namespace

Dialer::Dialer(Endpoint endpoint, const ClientOptions& options)
    : endpoint_(std::move(endpoint)), name_(name_of(endpoint_)), timeout_(options.timeout), trust_(trust_of(options)) {
  NetError not_an_address;
  const auto address = asio::ip::make_address(endpoint_.host, not_an_address);
  if (!not_an_address) addresses_.emplace_back(address, endpoint_.port);
}

Result<std::unique_ptr<Dialer>> Dialer::create(Endpoint endpoint, const ClientOptions& options) {
  std::unique_ptr<Dialer> dialer(new Dialer(std::move(endpoint), options));
  if (dialer->endpoint_.tls && dialer->trust_ == Trust::kGiven) {
    dialer->tls_context_ = GUST_TRY(make_client_context(Trust::kGiven, options.trusted_chain_pem));
  }
  return dialer;
}

Result<TlsContext> Dialer::tls_context() {
  const std::lock_guard lock(mutex_);
  if (!tls_context_) tls_context_ = GUST_TRY(make_client_context(trust_, ""));
  return tls_context_;
}

Awaitable<Result<Dialer::Addresses>> Dialer::resolve() {
  {
    const std::lock_guard lock(mutex_);
    if (!addresses_.empty()) co_return addresses_;
  }
  tcp::resolver resolver(co_await asio::this_coro::executor);
  NetError error;
  const auto found =
      co_await resolver.async_resolve(endpoint_.host, std::to_string(endpoint_.port), tcp::resolver::numeric_service,
                                      asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    co_return fail(ErrorCode::kUnavailable, fmt::format("cannot reach {}: the name {} is not known ({}); check the "
                                                        "endpoint's spelling",
                                                        name_, endpoint_.host, lower_first(error.message())));
  }
  Addresses addresses;
  for (const auto& entry : found) addresses.push_back(entry.endpoint());
  const std::lock_guard lock(mutex_);
  addresses_ = addresses;
  co_return addresses;
}

Awaitable<Result<std::shared_ptr<Stream>>> Dialer::dial(SteadyTime deadline) {
  const Result<Addresses> addresses = co_await resolve();
  if (!addresses) co_return std::unexpected(addresses.error());

  auto stream = std::make_shared<Stream>(tcp::socket(co_await asio::this_coro::executor));
  stream->expires_at(deadline);
  if (const NetError error = co_await stream->connect(*addresses)) co_return std::unexpected(unreachable(error));
  if (endpoint_.tls) {
    const Result<TlsContext> context = tls_context();
    if (!context) co_return std::unexpected(context.error());
    if (const NetError error = co_await stream->start_tls(*context, endpoint_.host)) {
      co_return std::unexpected(tls_failed(error, *stream));
    }
  }
  co_return stream;
}

Error Dialer::unreachable(NetError error) const {
  if (error == asio::error::timed_out) return lost(error);
  std::string advice = "; check the address and the network";
  if (error == asio::error::connection_refused) {
    advice = "; is a controller running there? start one with: gust up";
  } else if (error == asio::error::no_descriptors) {
    advice = "; raise the limit of open files: ulimit -n 8192";
  }
  return {.code = ErrorCode::kUnavailable,
          .message = fmt::format("cannot reach {}: {}{}", name_, lower_first(error.message()), advice)};
}

Error Dialer::tls_failed(NetError error, const Stream& stream) const {
  if (error == asio::error::timed_out) return lost(error);
  if (const auto fault = stream.certificate_fault()) {
    return {.code = ErrorCode::kDenied,
            .message = fmt::format("the certificate of {} is not trusted: {}; give the certificate to trust, or switch "
                                   "its verification off if the network is your own",
                                   name_, *fault)};
  }
  return {.code = ErrorCode::kUnavailable,
          .message = fmt::format("no TLS connection with {}: {}; if the server speaks plain HTTP, write http:// in "
                                 "front of its address",
                                 name_, lower_first(error.message()))};
}

Error Dialer::lost(NetError error) const {
  if (error == asio::error::timed_out) {
    return {.code = ErrorCode::kTimedOut,
            .message = fmt::format("{} did not answer within {} s; see whether it is overloaded, or raise the timeout",
                                   name_, std::chrono::duration<double>(timeout_).count())};
  }
  const bool ended = error == asio::error::eof || error == asio::error::connection_reset ||
                     error == asio::error::broken_pipe || error == asio::ssl::error::stream_truncated;
  return {.code = ErrorCode::kUnavailable,
          .message = fmt::format("{} {}; see its log, then try again", name_,
                                 ended ? "closed the connection before its answer was complete"
                                       : "sent no valid answer: " + lower_first(error.message()))};
}

}  // namespace gust::http
