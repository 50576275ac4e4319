// redis-stream: a stream for each pack. XADD appends; XREAD reads and XTRIM removes what has been read.
#pragma once

#include "transport/redis/queue.h"

namespace gust::transport::redis {

class StreamQueue final : public Queue {
 public:
  explicit StreamQueue(std::size_t chunk_bytes) : chunk_bytes_(chunk_bytes) {}

  Append append(std::string_view key, const message::FrameHeader& header) const override;
  std::string length(std::string_view key) const override;
  Error receive(Link& link, Intake& intake, const Life& life, std::string_view key,
                const std::atomic<bool>& ending) override;

 private:
  const std::size_t chunk_bytes_;
};

}  // namespace gust::transport::redis
