#include "controller/registrar.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

#include "base/encoding.h"
#include "base/files.h"
#include "base/ids.h"
#include "protocol/join_token.h"

namespace gust::controller {

namespace {

constexpr std::chrono::years kAuthorityLife{10};

std::string show(WallTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", std::chrono::floor<std::chrono::seconds>(time));
}

std::unexpected<Error> wrong_token() {
  return fail(ErrorCode::kDenied,
              "the join token is wrong; give the invoker the controller's, or one that gust token create makes");
}

Result<Certificate> check_authority(Certificate authority) {
  const CertificateFacts facts = GUST_TRY(read_certificate(authority.chain));
  if (!facts.is_authority) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the certificate of {} may not sign others: it is no authority's", facts.common_name));
  }
  return authority;
}

}  // namespace

Result<std::unique_ptr<Registrar>> Registrar::create(RegistrarOptions options, const store::TokenStore& tokens) {
  options.authority = GUST_TRY(check_authority(std::move(options.authority)));
  const CertificateFacts facts = GUST_TRY(read_certificate(options.authority.chain));
  if (facts.not_after <= options.clock()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the authority {} has ended at {}; without its file a new one is made, "
                            "which every invoker has to join again",
                            facts.common_name, show(facts.not_after)));
  }
  return std::unique_ptr<Registrar>(new Registrar(std::move(options), tokens));
}

Registrar::Registrar(RegistrarOptions options, const store::TokenStore& tokens)
    : options_(std::move(options)),
      configured_id_(protocol::join_token_id(options_.join_token)),
      configured_digest_(options_.join_token.empty() ? "" : protocol::join_token_digest(options_.join_token)),
      tokens_(tokens) {}

Result<std::string> Registrar::find_digest(const std::string& token_id) const {
  if (!configured_digest_.empty() && token_id == configured_id_) return configured_digest_;
  if (token_id.empty()) return wrong_token();
  const auto found = tokens_.get({}, token_id);
  if (!found) {
    return fail(ErrorCode::kDenied,
                fmt::format("there is no join token {}: it was revoked, or another controller has made it; gust token "
                            "create makes a new one",
                            token_id));
  }
  if ((*found)->expires <= options_.clock()) {
    return fail(ErrorCode::kDenied, fmt::format("the join token {} expired at {}; gust token create makes a new one",
                                                token_id, show((*found)->expires)));
  }
  return (*found)->digest;
}

Result<protocol::DiscoverAnswer> Registrar::discover(const protocol::DiscoverRequest& request) const {
  protocol::DiscoverAnswer answer;
  answer.set_authority(options_.authority.chain);
  if (request.nonce().empty()) return answer;
  if (request.nonce().size() != protocol::kJoinNonceBytes) {
    return fail(ErrorCode::kInvalid,
                fmt::format("a nonce has {} bytes, this one {}", protocol::kJoinNonceBytes, request.nonce().size()));
  }
  const std::string digest = GUST_TRY(find_digest(request.token_id()));
  answer.set_proof(protocol::join_proof(digest, request.nonce(), options_.authority.chain));
  return answer;
}

Result<protocol::SignedCertificate> Registrar::join(const protocol::JoinRequest& request) const {
  const std::string id = protocol::join_token_id(request.token());
  const std::string digest = GUST_TRY(find_digest(id));
  if (!constant_time_equal(digest, protocol::join_token_digest(request.token()))) return wrong_token();
  auto certificate = GUST_TRY(sign(request.name(), request.request()));
  spdlog::info("invoker {} has a certificate, by {}", request.name(),
               id.empty() ? "the configured join token" : "join token " + id);
  return certificate;
}

Result<protocol::SignedCertificate> Registrar::renew(const protocol::RenewRequest& request,
                                                     const std::string& name) const {
  return sign(name, request.request());
}

Result<protocol::SignedCertificate> Registrar::sign(const std::string& name, const std::string& request) const {
  protocol::SignedCertificate answer;
  answer.set_certificate(GUST_TRY(sign_certificate(
      options_.authority, request,
      {.common_name = name, .names = {}, .use = CertificateUse::kClient, .life = options_.certificate_life})));
  return answer;
}

Result<protocol::TlsIdentity> Registrar::make_server_identity() const {
  const std::string key = GUST_TRY(make_private_key());
  const std::string request = GUST_TRY(make_certificate_request(key));
  const std::string certificate = GUST_TRY(sign_certificate(options_.authority, request,
                                                            {.common_name = protocol::kControllerName,
                                                             .names = {protocol::kControllerName},
                                                             .use = CertificateUse::kServer,
                                                             .life = options_.certificate_life}));
  return protocol::TlsIdentity{.certificate = {.chain = certificate, .private_key = key},
                               .authority = options_.authority.chain};
}

Result<Certificate> load_or_make_authority(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) {
    const std::string text = GUST_TRY(read_whole_file(file, Bytes::mb(1)));
    auto pair = read_key_pair(text, text);
    if (!pair) return std::unexpected(pair.error().while_doing(file.string()));
    auto checked = check_authority(std::move(*pair));
    if (!checked) return std::unexpected(checked.error().while_doing(file.string()));
    return checked;
  }
  Certificate made = GUST_TRY(make_authority("gust " + random_hex_id().substr(0, 8), kAuthorityLife));
  GUST_TRY_VOID(write_secret_file(file, made.chain + made.private_key));
  return made;
}

}  // namespace gust::controller
