// Frames as objects in a bucket.
#pragma once

#include <memory>
#include <string>

#include "message/layout.h"
#include "message/transport.h"
#include "transport/backend.h"

namespace gust::transport::s3 {

/// As Backend::open and Backend::remove_flare.
Result<std::unique_ptr<message::Transport>> open(const message::Layout& layout, const BackendOptions& options,
                                                 message::FrameSink& sink);
Result<void> remove_flare(const BackendOptions& options, std::uint32_t packs);

}  // namespace gust::transport::s3
