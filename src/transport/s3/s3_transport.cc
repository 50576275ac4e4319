#include "transport/s3/s3_transport.h"

#include <utility>

#include "objectstore/s3/s3_store.h"
#include "transport/s3/inbox.h"
#include "transport/s3/limits.h"
#include "transport/s3/objects.h"
#include "transport/s3/outbox.h"

namespace gust::transport::s3 {

using message::FrameHeader;
using message::Layout;
using message::Piece;
using objectstore::S3Store;
using Clock = std::chrono::steady_clock;

namespace {

class S3Transport final : public message::Transport {
 public:
  S3Transport(std::unique_ptr<S3Store> store, const Layout& layout, const BackendOptions& options,
              message::FrameSink& sink)
      : store_(std::move(store)),
        inbox_(*store_, layout, options.flare_id, options.chunk_bytes, sink),
        outbox_(*store_, layout, options.flare_id, options.chunk_bytes,
                [&sink](PackId pack, const Error& cause) { sink.peer_lost(pack, cause); }) {}

  Result<void> connect(PackId to, SteadyTime /*deadline*/) override { return outbox_.connect(to); }

  Result<void> send(PackId to, const FrameHeader& header, std::span<const Piece> pieces, SteadyTime deadline) override {
    GUST_TRY_VOID(outbox_.send(to, header, pieces, deadline));
    inbox_.expect();
    return {};
  }

  void stop() override {
    outbox_.stop();
    inbox_.stop();
  }

 private:
  const std::unique_ptr<S3Store> store_;
  Inbox inbox_;
  Outbox outbox_;  // ends first: what was sent is put before we stop to receive
};

}  // namespace

Result<std::unique_ptr<message::Transport>> open(const Layout& layout, const BackendOptions& options,
                                                 message::FrameSink& sink) {
  auto store = std::make_unique<S3Store>(GUST_TRY(objectstore::parse_s3_uri(options.uri)));
  auto answer =
      store->list(inbox_prefix(options.flare_id, layout.self()), "", 1, {.deadline = Clock::now() + kOpenPatience});
  if (!answer) {
    if (answer.error().code == ErrorCode::kTimedOut) answer.error().code = ErrorCode::kUnavailable;
    return std::unexpected(answer.error());
  }
  return std::make_unique<S3Transport>(std::move(store), layout, options, sink);
}

Result<void> remove_flare(const BackendOptions& options, std::uint32_t /*packs*/) {
  S3Store store(GUST_TRY(objectstore::parse_s3_uri(options.uri)));
  return objectstore::remove_all(store, name_prefix(options.flare_id, '/'), {.deadline = Clock::now() + kEndPatience});
}

}  // namespace gust::transport::s3
