// redis-list and redis-stream: packs meet in a Redis server, or one that speaks its protocol (Valkey, DragonflyDB).
#pragma once

#include "transport/backend.h"

namespace gust::transport::redis {

/// As Backend::open and Backend::remove_flare.
Result<std::unique_ptr<message::Transport>> open_list(const message::Layout& layout, const BackendOptions& options,
                                                      message::FrameSink& sink);
Result<std::unique_ptr<message::Transport>> open_stream(const message::Layout& layout, const BackendOptions& options,
                                                        message::FrameSink& sink);
Result<void> remove_flare(const BackendOptions& options, std::uint32_t packs);

}  // namespace gust::transport::redis
