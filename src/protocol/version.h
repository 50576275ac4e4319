// Versions and sizes that controller and invoker must agree on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gust::protocol {

/// Of control.proto. Grows with every change that an older peer would misread.
inline constexpr std::uint32_t kProtocolVersion = 5;

/// Feature of Hello.
inline constexpr std::string_view kReattach = "reattach";

/// Code travels in pieces of at most this size, so that other messages get in between.
inline constexpr std::size_t kCodePieceBytes = std::size_t{1} << 20;

/// The largest message in a session: a StartPacks with the largest params.
inline constexpr std::size_t kMaxControlMessageBytes = std::size_t{256} << 20;

}  // namespace gust::protocol
