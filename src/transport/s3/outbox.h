// What a pack sends: frames wait here and are put into the bucket by a few threads, several of one receiver in one
// object when they are small and many.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "message/buffer.h"
#include "message/layout.h"
#include "message/transport.h"
#include "objectstore/object_store.h"

namespace gust::transport::s3 {

/// Thread-safe. connect(), send() and stop() are those of message::Transport.
class Outbox {
 public:
  /// Called once for a pack to which nothing can be sent any more, on a thread of the outbox.
  using Lost = std::function<void(PackId pack, const Error& cause)>;

  Outbox(objectstore::ObjectStore& store, const message::Layout& layout, std::string flare_id, std::size_t chunk_bytes,
         Lost lost);
  /// Puts what still waits, if that takes no more than some seconds, unless stop() was called.
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  Result<void> connect(PackId to);
  /// Copies the frame; returns at once unless too much waits already.
  Result<void> send(PackId to, const message::FrameHeader& header, std::span<const message::Piece> pieces,
                    SteadyTime deadline);
  void stop();

 private:
  struct Peer {
    std::deque<message::Buffer> frames;  // a header and its payload each
    std::uint64_t next_number = 0;
    std::optional<Error> broken;
  };

  Result<void> check(PackId to) GUST_REQUIRES(mutex_);
  void put_objects();
  /// The frames of the next object to `peer`.
  std::vector<message::Buffer> take(Peer& peer) GUST_REQUIRES(mutex_);
  void give_up(PackId pack, Error error) GUST_EXCLUDES(mutex_);
  [[nodiscard]] std::string key(PackId to, std::uint64_t number) const;

  objectstore::ObjectStore& store_;
  const message::Layout layout_;
  const std::string flare_id_;
  const std::size_t object_bytes_;
  const std::size_t threads_limit_;
  const std::size_t waiting_limit_;
  const Lost lost_;
  std::stop_source stop_;
  Mutex mutex_;
  CondVar work_;     // for the threads
  CondVar changed_;  // for those who wait to send, and for the end
  std::deque<Peer> peers_ GUST_GUARDED_BY(mutex_);
  std::deque<PackId> ready_ GUST_GUARDED_BY(mutex_);  // peers that have frames, each once
  std::size_t waiting_bytes_ GUST_GUARDED_BY(mutex_) = 0;
  std::size_t idle_ GUST_GUARDED_BY(mutex_) = 0;
  bool ending_ GUST_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_ GUST_GUARDED_BY(mutex_);
};

}  // namespace gust::transport::s3
