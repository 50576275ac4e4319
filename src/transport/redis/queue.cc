#include "transport/redis/queue.h"

namespace gust::transport::redis {

void append_frame(std::string& out, std::string_view header, std::size_t payload_bytes, bool is_inline,
                  std::string_view field) {
  if (is_inline) {
    out += "$" + std::to_string(header.size() + payload_bytes) + "\r\n";
    out += header;
    return;
  }
  append_bulk(out, header);
  if (!field.empty()) append_bulk(out, field);
  out += "$" + std::to_string(payload_bytes) + "\r\n";
}

}  // namespace gust::transport::redis
