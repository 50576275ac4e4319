#include "http/client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <fmt/format.h>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/encoding.h"
#include "http/dialer.h"
#include "http/response_reader.h"
#include "http/target.h"
#include "http/wire.h"

namespace gust::http {
namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostBuffered = 512 << 10;

class BeastClient final : public Client {
 public:
  BeastClient(std::unique_ptr<Dialer> dialer, const ClientOptions& options)
      : dialer_(std::move(dialer)), timeout_(options.timeout), host_(dialer_->name()) {
    host_.erase(0, host_.find("://") + 3);
    if (!options.authorization.empty()) authorization_ = "Basic " + base64_encode(options.authorization);
  }

  Result<Response> send(Request request) override {
    std::optional<Result<Response>> outcome;
    Kept kept = take(io_);
    const auto executor = kept.stream ? kept.stream->executor() : asio::any_io_executor(asio::make_strand(io_));
    asio::co_spawn(executor, perform(io_, std::move(request), ConnectionUse::kKept, std::move(kept)),
                   [&outcome](const std::exception_ptr& failure, Result<Response> response) {
                     outcome = failure ? failed(failure) : std::move(response);
                   });
    io_.restart();
    io_.run();
    GUST_CHECK(outcome.has_value(), "a request ends with a response or an error");
    return std::move(*outcome);
  }

  asio::awaitable<Result<Response>> async_send(asio::io_context& io, Request request,
                                               ConnectionUse connection) override {
    Kept kept = connection == ConnectionUse::kKept ? take(io) : Kept();
    const auto executor = kept.stream ? kept.stream->executor() : asio::any_io_executor(asio::make_strand(io));
    co_return co_await asio::co_spawn(executor, perform(io, std::move(request), connection, std::move(kept)),
                                      asio::use_awaitable);
  }

 private:
  /// An open connection between two requests.
  struct Kept {
    asio::io_context* io = nullptr;
    std::shared_ptr<Stream> stream;
  };

  static Result<Response> failed(const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      return fail(ErrorCode::kInternal, fmt::format("a request failed: {}", error.what()));
    }
  }

  Kept take(asio::io_context& io) {
    const std::lock_guard lock(mutex_);
    for (auto kept = kept_.rbegin(); kept != kept_.rend(); ++kept) {
      if (kept->io != &io) continue;
      Kept taken = std::move(*kept);
      kept_.erase(std::next(kept).base());
      return taken;
    }
    return {};
  }

  void keep(asio::io_context& io, std::shared_ptr<Stream> stream) {
    stream->disarm();
    const std::lock_guard lock(mutex_);
    kept_.push_back({.io = &io, .stream = std::move(stream)});
  }

  /// On the connection's strand.
  Awaitable<Result<Response>> perform(asio::io_context& io, Request request, ConnectionUse connection, Kept kept) {
    const After after = connection == ConnectionUse::kKept ? After::kKeep : After::kClose;
    auto head = request_head(request, make_target(dialer_->endpoint().base_path + request.path, request.query), host_,
                             authorization_, after);
    if (!head) co_return std::unexpected(head.error());
    if (request.body.size() <= kJoinedBody) {
      *head += request.body;
      request.body.clear();
    }

    const SteadyTime deadline = std::chrono::steady_clock::now() + timeout_;
    Reply reply;
    bool answered = false;
    std::shared_ptr<Stream> stream = std::move(kept.stream);
    if (stream) {
      stream->expires_at(deadline);
      reply = co_await exchange(*stream, *head, request);
      // The server may have closed it between two requests; then it has not seen this one.
      answered = !reply.error || reply.begun || reply.error == asio::error::timed_out;
    }
    if (!answered) {
      auto dialed = co_await dialer_->dial(deadline);
      if (!dialed) co_return std::unexpected(dialed.error());
      stream = std::move(*dialed);
      reply = co_await exchange(*stream, *head, request);
    }
    if (reply.error == boost::beast::http::error::body_limit) {
      co_return fail(ErrorCode::kTooLarge, fmt::format("the answer of {} is over the limit of {}", dialer_->name(),
                                                       to_string(Bytes(kMostResponse))));
    }
    if (reply.error) co_return std::unexpected(dialer_->lost(reply.error));
    if (after == After::kKeep && reply.after == After::kKeep) {
      keep(io, std::move(stream));
    } else {
      stream->close();
    }
    co_return std::move(reply.response);
  }

  Awaitable<Reply> exchange(Stream& stream, std::string_view head, const Request& request) {
    constexpr std::chrono::milliseconds kUntilDeadline(0);
    Buffer buffer(kMostBuffered);
    NetError unsent = co_await stream.write(head, kUntilDeadline);
    if (!unsent) unsent = co_await stream.write(request.body, kUntilDeadline);
    // A server that refuses a body answers and closes while it is still being sent: its answer is what counts.
    Reply reply;
    if (unsent != asio::error::timed_out) reply = co_await read_response(stream, buffer, request.method == "HEAD");
    if (unsent && !reply.begun) reply.error = unsent;
    co_return reply;
  }

  const std::unique_ptr<Dialer> dialer_;
  const std::chrono::milliseconds timeout_;
  std::string host_;
  std::string authorization_;
  asio::io_context io_{1};  // of the blocking form
  std::mutex mutex_;
  std::vector<Kept> kept_;  // guarded by mutex_; before io_ in destruction
};

}  // namespace

Result<std::unique_ptr<Client>> Client::create(Endpoint endpoint, ClientOptions options) {
  auto dialer = GUST_TRY(Dialer::create(std::move(endpoint), options));
  return std::make_unique<BeastClient>(std::move(dialer), options);
}

}  // namespace gust::http
