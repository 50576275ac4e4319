// The connections on which this pack sends, one for each other pack, made when first used.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/mutex.h"
#include "message/layout.h"
#include "message/transport.h"
#include "transport/tcp/ring.h"
#include "transport/tcp/wire.h"

namespace gust::transport {

/// Thread-safe. The functions are those of message::Transport.
class Outgoing {
 public:
  /// `hello` is what each connection begins with, for any pack.
  Outgoing(const message::Layout& layout, const Hello& hello);

  void add_peer(PackId pack, std::string address);
  Result<void> connect(PackId to, SteadyTime deadline);
  Result<void> send(PackId to, const message::FrameHeader& header, std::span<const message::Piece> pieces,
                    SteadyTime deadline);
  void stop();

 private:
  struct Peer {
    Mutex write_mutex;  // held while a frame is written, so that frames are whole
    UniqueFd socket GUST_GUARDED_BY(write_mutex);
    RingWriter ring GUST_GUARDED_BY(write_mutex);  // on one host, where it could be had
    std::optional<Error> broken GUST_GUARDED_BY(write_mutex);
    std::atomic<int> fd = -1;  // of `socket`, for stop()
  };

  Result<std::string> address_of(PackId to, SteadyTime deadline);
  Result<void> connect_locked(Peer& peer, PackId to, const std::string& address, SteadyTime deadline)
      GUST_REQUIRES(peer.write_mutex);
  /// `begun` is set once a part of it is written.
  Result<void> write(Peer& peer, std::span<const message::Piece> pieces, SteadyTime deadline, bool& begun)
      GUST_REQUIRES(peer.write_mutex);
  Result<void> write_to_ring(Peer& peer, std::span<const message::Piece> pieces, SteadyTime deadline, bool& begun)
      GUST_REQUIRES(peer.write_mutex);
  Result<void> say_hello(Peer& peer, PackId to, SteadyTime deadline) GUST_REQUIRES(peer.write_mutex);

  const message::Layout layout_;
  const Hello hello_;
  std::deque<Peer> peers_;
  std::atomic<bool> stopped_ = false;
  Mutex mutex_;
  CondVar news_;
  std::deque<std::string> addresses_ GUST_GUARDED_BY(mutex_);
};

}  // namespace gust::transport
