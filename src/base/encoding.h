// Base64 and digests, over OpenSSL.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust {

/// Standard alphabet, with padding, no line breaks.
std::string base64_encode(std::string_view bytes);

/// Accepts line breaks and missing padding; kInvalid on any other foreign byte.
Result<std::string> base64_decode(std::string_view text);

/// Two lower-case hex digits a byte.
std::string hex_encode(std::span<const unsigned char> bytes);

/// SHA-256 as 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

/// The same of a file's content. kInvalid where it cannot be read. Blocks.
Result<std::string> sha256_hex_of_file(const std::filesystem::path& path);

/// HMAC-SHA256, 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view message);

/// Equal or not, in a time that does not depend on where they differ: for keys.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace gust
