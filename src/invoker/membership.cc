#include "invoker/membership.h"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <random>
#include <utility>

#include "invoker/identity.h"

namespace gust::invoker {

namespace {

using std::chrono::milliseconds;

// The wall clock may be set, or the machine sleep: looked at so often at the least.
constexpr milliseconds kLongestPause = std::chrono::minutes(10);
constexpr milliseconds kShortestPause{500};

std::string show(WallTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", std::chrono::floor<std::chrono::seconds>(time));
}

bool is_network(const std::string& target) { return !target.starts_with("unix:"); }

/// Of the last third of a certificate's life, how much earlier this invoker renews: those that joined at the same
/// moment do not all come back at the same moment.
double random_jitter() {
  std::random_device device;
  return std::uniform_real_distribution(0.0, 0.25)(device);
}

}  // namespace

Result<std::optional<protocol::TlsIdentity>> earlier_identity(const InvokerConfig& config) {
  if (!is_network(config.controller)) return std::nullopt;
  auto loaded = load_identity(config.identity_file);
  if (!loaded) {
    if (config.join_token.empty()) return loaded;
    config.say(loaded.error().message);
    return std::nullopt;
  }
  if (!*loaded) return std::nullopt;
  const CertificateFacts facts = GUST_TRY(read_certificate((*loaded)->certificate.chain));
  if (facts.common_name == config.name) return loaded;
  if (!config.join_token.empty()) return std::nullopt;
  return fail(ErrorCode::kInvalid,
              fmt::format("the certificate in {} is for the invoker {}, not {}; start it with --name {}, or give it a "
                          "join token to get another",
                          config.identity_file.string(), facts.common_name, config.name, facts.common_name));
}

Membership::Membership(boost::asio::io_context& io, const InvokerConfig& config,
                       std::optional<protocol::TlsIdentity> earlier)
    : io_(io),
      order_{.target = config.controller, .token = config.join_token, .name = config.name},
      file_(config.identity_file),
      say_(config.say),
      over_network_(is_network(config.controller)),
      timer_(io),
      jitter_(random_jitter()) {
  if (earlier) take(std::move(*earlier));
}

bool Membership::ready() const {
  if (!over_network_ || (order_.token.empty() && !identity_)) return true;
  return identity_ && wall_now() < facts_.not_after;
}

void Membership::obtain(std::function<void(Result<void>)> done) {
  if (order_.token.empty()) {
    return done(
        fail(ErrorCode::kDenied,
             fmt::format("this invoker's certificate has ended at {}; give it a join token to get another: gust "
                         "token create makes one, GUST_JOIN_TOKEN takes it",
                         show(facts_.not_after))));
  }
  renewal_.reset();  // of a certificate that is good for nothing any more
  errand_.emplace(
      io_,
      [order = order_, file = file_](const std::stop_token& stop) -> Result<protocol::TlsIdentity> {
        auto identity = GUST_TRY(join(order, stop));
        GUST_TRY_VOID(save_identity(file, identity));
        return identity;
      },
      [this, done = std::move(done)](Result<protocol::TlsIdentity> identity) {
        errand_.reset();
        if (!identity) return done(std::unexpected(std::move(identity).error()));
        take(std::move(*identity));
        keep_fresh();
        done({});
      });
}

void Membership::explain(Error error, std::function<void(Error)> done) {
  if (!over_network_) return done(std::move(error));
  errand_.emplace(
      io_, [target = order_.target](const std::stop_token& stop) { return look_at(target, stop); },
      [this, error = std::move(error), done = std::move(done)](const Sight& sight) mutable {
        errand_.reset();
        done(judge(sight, std::move(error)));
      });
}

Error Membership::judge(const Sight& sight, Error error) {
  const bool over_tls = identity_ || !order_.token.empty();
  if (sight.speaks == Sight::Speaks::kNothing) return error;
  if (!over_tls) {
    if (sight.speaks == Sight::Speaks::kPlain) return error;
    return {
        ErrorCode::kDenied,
        fmt::format("the controller at {} speaks TLS, and this invoker has no certificate; give it a join token with "
                    "--join-token or GUST_JOIN_TOKEN: gust token create makes one",
                    order_.target)};
  }
  if (sight.speaks == Sight::Speaks::kPlain) {
    return {ErrorCode::kInvalid,
            fmt::format("the controller at {} speaks without TLS, and this invoker has a certificate; "
                        "start it with --join-token, or this invoker with another --state-dir and "
                        "without a token",
                        order_.target)};
  }
  if (!identity_) return error;
  if (sight.authority == identity_->authority) {
    // Not a reason to use the token: the controller may have come just now, and the token have expired long ago.
    error.message += fmt::format(
        "; it answers, but may not take this invoker's certificate, which is valid from {} to {}: compare the clocks",
        show(facts_.not_before), show(facts_.not_after));
    return error;
  }
  if (order_.token.empty()) {
    return {ErrorCode::kDenied, fmt::format("the controller at {} is not the one that this invoker has joined: its "
                                            "authority is another; give this invoker a join token to join it",
                                            order_.target)};
  }
  identity_.reset();  // the next attempt begins with the token
  return error;
}

void Membership::take(protocol::TlsIdentity identity) {
  // It was read before, by whoever made it.
  facts_ = read_certificate(identity.certificate.chain).value_or(CertificateFacts{});
  identity_ = std::move(identity);
}

void Membership::keep_fresh() {
  if (identity_) renew_if_due();
}

milliseconds Membership::until_due() const {
  const WallTime due = renewal_time(facts_);
  const auto earlier = std::chrono::duration_cast<std::chrono::microseconds>((facts_.not_after - due) * jitter_);
  return std::chrono::duration_cast<milliseconds>(due - earlier - wall_now());
}

void Membership::schedule(milliseconds delay) {
  timer_.expires_after(std::clamp(delay, kShortestPause, kLongestPause));
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) renew_if_due();
  });
}

void Membership::renew_if_due() {
  if (!identity_ || renewal_) return;
  if (const milliseconds left = until_due(); left > milliseconds(0)) return schedule(left);
  const bool ended = wall_now() >= facts_.not_after;
  if (ended && order_.token.empty()) {
    return say_(
        fmt::format("the certificate has ended at {} and could not be renewed; this session goes on, the next "
                    "one needs a join token",
                    show(facts_.not_after)));
  }
  renewal_.emplace(
      io_,
      [ended, order = order_, file = file_,
       identity = *identity_](const std::stop_token& stop) -> Result<protocol::TlsIdentity> {
        auto next = GUST_TRY(ended ? join(order, stop) : renew(order.target, identity, stop));
        GUST_TRY_VOID(save_identity(file, next));
        return next;
      },
      [this](Result<protocol::TlsIdentity> identity) {
        renewal_.reset();
        renewed(std::move(identity));
      });
}

void Membership::renewed(Result<protocol::TlsIdentity> identity) {
  if (!identity_) return;  // given up meanwhile: the next connection gets one of its own
  if (identity) {
    take(std::move(*identity));
    say_(fmt::format("the certificate was renewed, until {}", show(facts_.not_after)));
    return schedule(until_due());
  }
  say_(fmt::format("the certificate, valid until {}, could not be renewed: {}", show(facts_.not_after),
                   identity.error().message));
  schedule(std::chrono::duration_cast<milliseconds>(facts_.not_after - wall_now()) / 10);
}

}  // namespace gust::invoker
