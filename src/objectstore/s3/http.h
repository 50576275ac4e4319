// Requests over HTTP, signed with SigV4, by libcurl. One try each: what to do with a failure is the caller's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "objectstore/object_store.h"
#include "objectstore/s3/options.h"

namespace gust::objectstore {

struct Request {
  const char* method = "GET";  ///< GET, PUT, POST or DELETE
  std::string path = {};       ///< percent-encoded, from the slash on
  std::string query = {};      ///< percent-encoded, its fields in the order of their names; may be empty
  std::vector<std::string> headers = {};
  std::span<const Piece> body = {};
  std::optional<Range> range = {};    ///< for GET
  const Receiver* receive = nullptr;  ///< of the body of an answer that is no error; without it, Answer has it
};

struct Answer {
  long status = 0;
  std::string body = {};
  std::string etag = {};                ///< as it came, with its quotes
  std::chrono::seconds retry_after{0};  ///< 0: the server said nothing
};

/// No answer, or not all of it.
struct Broken {
  Error error;
  bool may_pass = false;  ///< worth another try
  std::string etag = {};  ///< of what had begun to arrive
};

/// Thread-safe. Keeps connections open and uses them again.
class HttpClient {
 public:
  explicit HttpClient(S3Options options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Blocks. Broken has kTimedOut or kCancelled when the context ended, what `receive` returned, kInvalid for a TLS
  /// certificate that is not trusted, kUnavailable for all else.
  std::expected<Answer, Broken> perform(const Request& request, const Context& context);

 private:
  class Connection;

  const S3Options options_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_ GUST_GUARDED_BY(mutex_);
};

/// Every byte but letters, digits, '-', '.', '_' and '~' as %XX, as SigV4 wants it; also '/' unless it is kept.
enum class Slash : std::uint8_t { kEncode, kKeep };
std::string percent_encode(std::string_view text, Slash slash);
std::string percent_decode(const std::string& text);

}  // namespace gust::objectstore
