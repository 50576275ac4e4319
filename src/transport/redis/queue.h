// How frames lie in the server: a queue for each receiving pack, as a list or as a stream. Many packs append to it; one
// reads, and removes what it has read only then, so that nothing is lost with a connection.
//
// A frame is one element of its header and its payload, or, where the payload is large, an element for each: then the
// payload is received straight into its place.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "message/transport.h"
#include "transport/redis/reader.h"

namespace gust::transport::redis {

/// Payloads up to this many bytes travel in one element with their header.
inline constexpr std::size_t kInlineBytes = 4096;

/// A command that appends a frame, without the frame's payload, which stands between the two.
struct Append {
  std::string before;
  std::string after;
  int replies = 1;  ///< the last of which is an integer: how many elements the queue has then
  int elements = 1;
};

class Queue {
 public:
  virtual ~Queue() = default;

  virtual Append append(std::string_view key, const message::FrameHeader& header) const = 0;
  /// A command whose reply is the number of elements.
  virtual std::string length(std::string_view key) const = 0;
  /// For one connection; `parts` outlive it.
  [[nodiscard]] virtual std::unique_ptr<Reader> reader(const ReaderParts& parts) const = 0;
};

/// The end of Append::before: the header and the beginning of the payload's bulk, or both as one bulk; `field` goes
/// between.
void append_frame(std::string& out, std::string_view header, std::size_t payload_bytes, bool is_inline,
                  std::string_view field = {});

}  // namespace gust::transport::redis
