// Versions and sizes that controller and invoker must agree on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gust::protocol {

/// Of control.proto. Grows with every change that an older peer would misread.
inline constexpr std::uint32_t kProtocolVersion = 4;

/// Feature of Hello.
inline constexpr std::string_view kReattach = "reattach";

/// Code travels in pieces of at most this size, so that other messages get in between.
inline constexpr std::size_t kCodePieceBytes = std::size_t{1} << 20;

/// The largest message on the stream: a StartPacks with the largest params.
inline constexpr int kMaxControlMessageBytes = 256 << 20;

/// What a stream lets its peer send ahead. Fixed: a window that follows the path's measured bandwidth costs each
/// message a ping and a timer.
inline constexpr int kControlWindowBytes = 4 << 20;

}  // namespace gust::protocol
