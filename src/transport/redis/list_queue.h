// redis-list: a list for each pack. RPUSH appends; LRANGE reads and LTRIM removes what has been read.
#pragma once

#include "transport/redis/queue.h"

namespace gust::transport::redis {

class ListQueue final : public Queue {
 public:
  Append append(std::string_view key, const message::FrameHeader& header) const override;
  std::string length(std::string_view key) const override;
  [[nodiscard]] std::unique_ptr<Reader> reader(const ReaderParts& parts) const override;
};

}  // namespace gust::transport::redis
