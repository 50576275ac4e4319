#include "invoker/identity.h"

#include <fmt/format.h>

#include "base/certificate.h"
#include "base/files.h"

namespace gust::invoker {

namespace {

// The private key, the certificate, and behind it the authority's.
Result<protocol::TlsIdentity> parse(const std::string& text) {
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----\n";
  Certificate own = GUST_TRY(read_key_pair(text, text));
  const std::size_t first = text.find(kEnd);
  const std::string authority = first == std::string::npos ? "" : text.substr(first + kEnd.size());
  const CertificateFacts facts = GUST_TRY(read_certificate(authority));
  if (!facts.is_authority) return fail(ErrorCode::kInvalid, "the second certificate is no authority's");
  return protocol::TlsIdentity{.certificate = std::move(own), .authority = authority};
}

}  // namespace

Result<std::optional<protocol::TlsIdentity>> load_identity(const std::filesystem::path& file) {
  std::error_code ignored;
  if (file.empty() || !std::filesystem::exists(file, ignored)) return std::nullopt;
  auto identity = parse(GUST_TRY(read_whole_file(file, Bytes::mb(1))));
  if (identity) return *identity;
  return fail(ErrorCode::kInvalid,
              fmt::format("{} does not hold an invoker's certificate ({}); remove it, and give the "
                          "invoker a join token",
                          file.string(), identity.error().message));
}

Result<void> save_identity(const std::filesystem::path& file, const protocol::TlsIdentity& identity) {
  if (file.empty()) return {};
  return write_secret_file(file, identity.certificate.private_key + identity.certificate.chain + identity.authority);
}

}  // namespace gust::invoker
