// The server's certificate: given by files, or made by us.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/certificate.h"
#include "base/result.h"

namespace gust::http {

using gust::Certificate;

/// Reads both files and checks that they belong together. kInvalid names the file that is wrong.
Result<Certificate> load_certificate(const std::filesystem::path& chain, const std::filesystem::path& private_key);

/// A new self-signed ECDSA P-256 certificate, valid for ten years, for `names` (DNS names or addresses), localhost,
/// 127.0.0.1 and ::1.
Result<Certificate> make_certificate(const std::vector<std::string>& names);

/// The one in this file, key and certificate, if it is for all `names` and not to be replaced yet; else a new one,
/// which is written there. Clients that trust it go on to do so after a restart. kInvalid where the file cannot be
/// written.
Result<Certificate> keep_certificate(const std::filesystem::path& file, const std::vector<std::string>& names);

}  // namespace gust::http
