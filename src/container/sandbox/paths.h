// Where things are inside a sandbox.
#pragma once

namespace gust::container {

inline constexpr char kPackInside[] = "/gust/gust-pack";
inline constexpr char kCodeInside[] = "/gust/code";

}  // namespace gust::container
