// Tokens by which invokers join, made and revoked by the operator.
#include <fmt/format.h>

#include "openwhisk/entity_body.h"
#include "openwhisk/routes.h"
#include "protocol/join_token.h"

namespace gust::openwhisk {

namespace {

using std::chrono::milliseconds;

/// How long one that has expired is still known: who comes with it learns that it has expired, not that it never was.
constexpr std::chrono::days kRemembered{30};
constexpr milliseconds kLongestLife = std::chrono::days(3650);

Json render_token(const store::Token& token, WallTime now) {
  return {{"id", token.name},
          {"created", to_millis(token.updated)},
          {"expires", to_millis(token.expires)},
          {"expired", token.expires <= now}};
}

Result<std::string> list(const Services& services) {
  const WallTime now = wall_now();
  Json tokens = Json::array();
  for (const store::TokenPtr& token : services.tokens.list({})) tokens.push_back(render_token(*token, now));
  return dump_json(tokens);
}

void forget_old(const Services& services, WallTime now) {
  for (const store::TokenPtr& token : services.tokens.list({})) {
    if (token->expires + kRemembered < now) (void)services.tokens.remove({}, token->name);
  }
}

Result<std::string> add(const Services& services, const std::string& text) {
  if (!services.options.no_tokens.empty()) return fail(ErrorCode::kInvalid, services.options.no_tokens);
  const Json body = GUST_TRY(parse_body(text));
  const Json ttl = body.value("ttl", Json());
  if (!ttl.is_number_integer() || ttl.get<std::int64_t>() <= 0 || ttl.get<std::int64_t>() > kLongestLife.count()) {
    return wrong_member("ttl", ttl, "the milliseconds that the token lives, up to ten years");
  }
  const WallTime now = wall_now();
  forget_old(services, now);
  const protocol::JoinToken made = protocol::make_join_token();
  store::Token token;
  token.name = made.id;
  token.digest = protocol::join_token_digest(made.text);
  token.expires = now + milliseconds(ttl.get<std::int64_t>());
  const store::TokenPtr stored = GUST_TRY(services.tokens.put(std::move(token), store::Overwrite::kNo));
  Json shown = render_token(*stored, now);
  shown["token"] = made.text;
  return dump_json(shown);
}

Result<std::string> revoke(const Services& services, const Call& call) {
  const auto removed = services.tokens.remove({}, call.name());
  if (removed) return dump_json(render_token(**removed, wall_now()));
  return fail(ErrorCode::kNotFound,
              fmt::format("there is no join token with the id {}; gust token list shows those there are", call.name()));
}

}  // namespace

void list_tokens(const Services& services, Call call) { call.answer(list(services)); }

void add_token(const Services& services, Call call) {
  const std::string body = call.take_body();
  answer_stored(services, std::move(call), add(services, body));
}

void revoke_token(const Services& services, Call call) {
  auto json = revoke(services, call);
  answer_stored(services, std::move(call), std::move(json));
}

}  // namespace gust::openwhisk
