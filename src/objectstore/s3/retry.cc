#include "objectstore/s3/retry.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <random>
#include <utility>

#include "objectstore/s3/answers.h"

namespace gust::objectstore {

namespace {

using std::chrono::milliseconds;

constexpr long kTooManyRequests = 429;
constexpr long kConflict = 409;  // with another request; gateways to file systems give it for their own races, too
constexpr long kNotImplemented = 501;

struct Failure {
  Error error;
  bool may_pass = false;
  milliseconds at_least{0};
};

ErrorCode code_of(long status, const S3Error& said) {
  if (status == kTooManyRequests || said.code == "SlowDown") return ErrorCode::kBusy;
  if (said.code == "EntityTooLarge" || status == 413) return ErrorCode::kTooLarge;
  if (status == 401 || status == 403) return ErrorCode::kDenied;
  if (status == 404) return ErrorCode::kNotFound;
  if (status == 412) return ErrorCode::kUnavailable;  // another object than the one that was begun with
  if (status / 100 == 5) return ErrorCode::kUnavailable;
  return ErrorCode::kInvalid;
}

std::string advice(long status, const S3Error& said) {
  if (said.code == "NoSuchBucket") return "; create the bucket, or correct its name";
  if (said.code == "SignatureDoesNotMatch") return "; check the secret, and that its special characters are encoded";
  if (said.code == "RequestTimeTooSkewed") return "; set this machine's clock";
  if (said.code == "ExpiredToken") return "; take new temporary credentials";
  if (status / 100 == 3 || said.code == "AuthorizationHeaderMalformed") return "; check the region and the endpoint";
  if (status == 412) return "; the object was replaced while it was read";
  return "";
}

Failure failure_of(const Answer& answer) {
  constexpr std::array<std::string_view, 4> kPassing = {"SlowDown", "RequestTimeout", "InternalError",
                                                        "ServiceUnavailable"};
  const S3Error said = read_error(answer.body);
  std::string sentence = said.code.empty() ? "HTTP status" : said.code;
  sentence += " (" + std::to_string(answer.status) + ")";
  if (!said.message.empty()) sentence += ": " + said.message;
  const bool may_pass = answer.status == kTooManyRequests || answer.status == kConflict ||
                        std::ranges::find(kPassing, said.code) != kPassing.end() ||
                        (answer.status / 100 == 5 && answer.status != kNotImplemented);
  return {{code_of(answer.status, said), sentence + advice(answer.status, said)}, may_pass, answer.retry_after};
}

milliseconds random_up_to(milliseconds most) {
  thread_local std::minstd_rand random{std::random_device()()};
  return milliseconds(std::uniform_int_distribution<std::int64_t>(0, most.count())(random));
}

}  // namespace

bool sleep_for(milliseconds time, const Context& context) {
  const SteadyTime end = std::chrono::steady_clock::now() + time;
  if (end >= context.deadline) return false;
  std::mutex mutex;
  std::condition_variable_any news;
  std::unique_lock lock(mutex);
  news.wait_until(lock, context.stop, end, [] { return false; });
  return !context.stop.stop_requested();
}

Result<Answer> with_retries(const S3Options& options, const Context& context, const std::string& doing,
                            const std::function<std::expected<Answer, Broken>()>& attempt) {
  milliseconds bound = options.first_backoff;
  Error last;
  for (int tries = 1;; ++tries) {
    auto answer = attempt();
    if (answer && answer->status / 100 == 2) return std::move(*answer);
    Failure failure = answer ? failure_of(*answer) : Failure{answer.error().error, answer.error().may_pass};
    const bool ended = failure.error.code == ErrorCode::kTimedOut || failure.error.code == ErrorCode::kCancelled;
    if (ended && !last.message.empty()) {
      // Why it took so long says more than that it did.
      if (failure.error.code == ErrorCode::kTimedOut) failure.error.code = last.code;
      failure.error.message += "; before: " + last.message + "; tried " + std::to_string(tries) + " times";
    }
    if (!failure.may_pass) return std::unexpected(failure.error.while_doing(doing));
    last = failure.error;
    if (!sleep_for(std::max(failure.at_least, random_up_to(bound)), context)) {
      if (context.stop.stop_requested()) last.code = ErrorCode::kCancelled;
      last.message += "; tried " + std::to_string(tries) + (tries == 1 ? " time" : " times");
      return std::unexpected(last.while_doing(doing));
    }
    bound = std::min(2 * bound, options.longest_backoff);
  }
}

}  // namespace gust::objectstore
