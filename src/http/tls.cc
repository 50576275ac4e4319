#include "http/tls.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

#include "base/files.h"
#include "base/tls_context.h"

namespace gust::http {
namespace {

constexpr std::chrono::years kTenYears{10};
/// The certificate may be made long before the client's clock is right.
constexpr std::chrono::hours kClockSkew{1};

}  // namespace

Result<Certificate> load_certificate(const std::filesystem::path& chain, const std::filesystem::path& private_key) {
  Certificate certificate{.chain = GUST_TRY(read_whole_file(chain)),
                          .private_key = GUST_TRY(read_whole_file(private_key))};
  if (!certificate.chain.contains("-----BEGIN CERTIFICATE-----")) {
    return fail(ErrorCode::kInvalid, fmt::format("{} holds no certificate in PEM form", chain.string()));
  }
  if (!certificate.private_key.contains("PRIVATE KEY-----")) {
    return fail(ErrorCode::kInvalid, fmt::format("{} holds no private key in PEM form", private_key.string()));
  }
  if (auto context = make_server_context(certificate); !context) {
    return std::unexpected(
        context.error().while_doing(fmt::format("{} with key {}", chain.string(), private_key.string())));
  }
  return certificate;
}

Result<Certificate> make_certificate(const std::vector<std::string>& names) {
  CertificateTerms terms{.common_name = "gust",
                         .names = {"localhost", "127.0.0.1", "::1"},
                         .use = CertificateUse::kServer,
                         .life = kTenYears,
                         .skew = kClockSkew};
  for (const std::string& name : names) {
    if (std::ranges::find(terms.names, name) == terms.names.end()) terms.names.push_back(name);
  }
  return make_self_signed(terms);
}

namespace {

std::optional<Certificate> kept_certificate(const std::filesystem::path& file, const std::vector<std::string>& names) {
  const auto text = read_whole_file(file, Bytes::mb(1));
  auto pair = text ? read_key_pair(*text, *text) : std::unexpected(text.error());
  const auto facts = pair ? read_certificate(pair->chain) : std::unexpected(pair.error());
  if (!facts || wall_now() >= renewal_time(*facts)) return std::nullopt;
  const auto is_for = [&](const std::string& name) { return is_certificate_for(pair->chain, name); };
  return std::ranges::all_of(names, is_for) ? std::optional(std::move(*pair)) : std::nullopt;
}

}  // namespace

Result<Certificate> keep_certificate(const std::filesystem::path& file, const std::vector<std::string>& names) {
  if (auto kept = kept_certificate(file, names)) return std::move(*kept);
  Certificate made = GUST_TRY(make_certificate(names));
  GUST_TRY_VOID(write_secret_file(file, made.private_key + made.chain));
  return made;
}

}  // namespace gust::http
