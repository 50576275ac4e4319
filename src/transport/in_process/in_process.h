// Packs that are parts of one process: for tests, and to measure messages without what is between packs.
#pragma once

#include <map>
#include <memory>

#include "base/mutex.h"
#include "message/transport.h"

namespace gust::transport {

/// What its transports send arrives within send(). Thread-safe.
class InProcessNetwork {
 public:
  InProcessNetwork();
  ~InProcessNetwork();

  /// For the pack's hub, which must be gone before the network is.
  [[nodiscard]] message::TransportFactory factory(PackId pack);

 private:
  class Port;
  struct Table;
  std::shared_ptr<Table> table_;
};

}  // namespace gust::transport
