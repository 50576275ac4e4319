// Code in a zip archive, looked at before it is stored.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace gust::openwhisk {

/// What a pack may be made to unpack; the limits of src/pack/python/runner.py and src/pack/unpack.cc, which hold to
/// them again.
inline constexpr Bytes kMaxUnpacked = Bytes::mb(512);
inline constexpr std::uint64_t kMaxEntries = 20'000;
/// Of unpacked to packed size, for archives that unpack to more than kRatioMatters.
inline constexpr std::uint64_t kMaxRatio = 100;
inline constexpr Bytes kRatioMatters = Bytes::mb(10);

/// The archive can be read, leads nowhere out of its folder, has no links, is within the limits, and has one of the
/// files `mains` at its top level, whatever it has where that is empty. Looks at names and sizes only and unpacks
/// nothing. kInvalid or kTooLarge, with what to do.
Result<void> check_zip(std::string_view bytes, std::initializer_list<std::string_view> mains);

}  // namespace gust::openwhisk
