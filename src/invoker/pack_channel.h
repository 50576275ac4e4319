// The descriptors that tie a pack to its invoker: a socket for messages, a pipe each for standard output and error.
#pragma once

#include <cstddef>

#include "base/fd.h"
#include "base/result.h"

namespace gust::invoker {

struct PackEnds {
  UniqueFd socket;
  UniqueFd standard_output;
  UniqueFd standard_error;
};

struct PackChannel {
  PackEnds ours;    ///< reading ends of the pipes; non-blocking
  PackEnds theirs;  ///< writing ends of the pipes; blocking, as programs expect them
};

/// All close on exec. `first_message_bytes` will be written to the socket before anybody reads: its buffer is made
/// large enough where the kernel permits. kBusy when the process has no descriptors left.
Result<PackChannel> open_pack_channel(std::size_t first_message_bytes);

}  // namespace gust::invoker
