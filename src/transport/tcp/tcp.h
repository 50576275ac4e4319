// Packs connect to each other: over TCP, and over a Unix socket where both are on one host. No server is needed; the
// controller hands every pack the others' addresses.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "message/layout.h"
#include "message/transport.h"

namespace gust::transport {

enum class Local : std::uint8_t {
  kUnix,  ///< packs of one host meet on a Unix socket, which takes half of loopback TCP's time
  kTcp,   ///< as packs of different hosts
};

struct TcpOptions {
  std::string flare_id;            ///< 32 characters
  std::string token;               ///< 32 characters, known to the flare's packs only: strangers are refused
  std::string host = "127.0.0.1";  ///< where others reach this pack: a numeric address of this host
  Local local = Local::kUnix;
};

/// Thread-safe.
class TcpTransport : public message::Transport {
 public:
  /// Listens, and starts the thread that receives. kInvalid for ids of a wrong length or no numeric address, kInternal.
  static Result<std::unique_ptr<TcpTransport>> listen(const message::Layout& layout, const TcpOptions& options,
                                                      message::FrameSink& sink);

  /// What the other packs need, to be given to their add_peer().
  [[nodiscard]] virtual std::string address() const = 0;
  /// Where a pack is; the first word counts. Wakes those that wait for it.
  virtual void add_peer(PackId pack, std::string address) = 0;
};

}  // namespace gust::transport
