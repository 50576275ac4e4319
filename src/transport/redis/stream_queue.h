// redis-stream: a stream for each pack. XADD appends; XREAD reads and XTRIM removes what has been read.
#pragma once

#include "transport/redis/queue.h"

namespace gust::transport::redis {

class StreamQueue final : public Queue {
 public:
  Append append(std::string_view key, const message::FrameHeader& header) const override;
  std::string length(std::string_view key) const override;
  [[nodiscard]] std::unique_ptr<Reader> reader(const ReaderParts& parts) const override;
};

}  // namespace gust::transport::redis
