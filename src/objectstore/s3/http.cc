#include "objectstore/s3/http.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <curl/curl.h>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"

namespace gust::objectstore {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLargestAnswer = std::size_t{16} << 20;  // a full page of the longest keys has 3 MB
constexpr long kTransferBuffer = 256L << 10;                   // libcurl's is 16 KB: three times the system calls

// libcurl's TLS writes to its socket without MSG_NOSIGNAL. The whole process's handling of SIGPIPE is not ours.
class NoSigpipe {
 public:
  NoSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoSigpipe() {
    const timespec none{};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &none);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

void start_libcurl() {
  static std::once_flag once;
  std::call_once(once, [] { GUST_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl starts"); });
}

bool is_lack_of_trust(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR;
}

}  // namespace

std::string percent_encode(std::string_view text, Slash slash) {
  constexpr const char* kDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const char c : text) {
    if (kPlain.contains(c) || (c == '/' && slash == Slash::kKeep)) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return encoded;
}

std::string percent_decode(const std::string& text) {
  int size = 0;
  char* plain = curl_easy_unescape(nullptr, text.data(), static_cast<int>(text.size()), &size);
  if (plain == nullptr) return text;
  const std::unique_ptr<char, decltype(&curl_free)> owner(plain, curl_free);
  return {plain, static_cast<std::size_t>(size)};
}

// One easy handle in a multi handle of its own: unlike curl_easy_perform, waiting in it can be ended by another thread.
class HttpClient::Connection {
 public:
  explicit Connection(const S3Options& options)
      : options_(options), easy_(curl_easy_init()), multi_(curl_multi_init()) {
    GUST_CHECK(easy_ != nullptr && multi_ != nullptr, "there is memory for a connection");
  }
  ~Connection() {
    curl_multi_cleanup(multi_);
    curl_easy_cleanup(easy_);
    curl_slist_free_all(headers_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  std::expected<Answer, Broken> perform(const Request& request, const Context& context) {
    request_ = &request;
    answer_ = {};
    failure_.reset();
    sent_pieces_ = 0;
    sent_of_piece_ = 0;
    prepare();
    const NoSigpipe guard;
    const CURLcode code = run(context);
    curl_header* etag = nullptr;
    if (curl_easy_header(easy_, "ETag", 0, CURLH_HEADER, -1, &etag) == CURLHE_OK) answer_.etag = etag->value;
    if (failure_) return std::unexpected(Broken{std::move(*failure_)});
    if (code == CURLE_OK) {
      curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &answer_.status);
      curl_off_t seconds = 0;
      curl_easy_getinfo(easy_, CURLINFO_RETRY_AFTER, &seconds);
      answer_.retry_after = std::chrono::seconds(seconds);
      return std::move(answer_);
    }
    Broken broken;
    broken.etag = answer_.etag;
    broken.may_pass = !is_lack_of_trust(code);
    broken.error.code = broken.may_pass ? ErrorCode::kUnavailable : ErrorCode::kInvalid;
    broken.error.message = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
    if (!broken.may_pass) broken.error.message += "; name the certificate's authority with ca_file";
    return std::unexpected(std::move(broken));
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    GUST_CHECK(curl_easy_setopt(easy_, option, value) == CURLE_OK, "libcurl knows the option");
  }

  void prepare() {
    curl_easy_reset(easy_);  // keeps its connections
    curl_slist_free_all(std::exchange(headers_, nullptr));
    error_[0] = '\0';
    set(CURLOPT_ERRORBUFFER, error_);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");  // where to connect is configured, not found in the environment
    set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_timeout.count()));
    set(CURLOPT_BUFFERSIZE, kTransferBuffer);
    // For bodies of more than 1 MB libcurl sends Expect: 100-continue; not to wait for the answer saves a round trip.
    // To suppress the header with an empty one does not do: libcurl 7.88 signs over it and does not send it.
    set(CURLOPT_EXPECT_100_TIMEOUT_MS, 0L);
    set(CURLOPT_SSL_VERIFYPEER, options_.verify_tls ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, options_.verify_tls ? 2L : 0L);
    if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());

    const std::string url = options_.endpoint + request_->path + (request_->query.empty() ? "" : "?" + request_->query);
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PATH_AS_IS, 1L);  // signed over as it stands
    for (const std::string& header : request_->headers) add_header(header);
    prepare_body();
    if (request_->range) {
      std::string range = std::to_string(request_->range->offset) + "-";
      if (request_->range->bytes) range += std::to_string(request_->range->offset + *request_->range->bytes - 1);
      set(CURLOPT_RANGE, range.c_str());
    }
    sign();
    set(CURLOPT_HTTPHEADER, headers_);
    set(CURLOPT_WRITEFUNCTION, &Connection::received);
    set(CURLOPT_WRITEDATA, this);
  }

  void prepare_body() {
    const std::string_view method = request_->method;
    std::size_t bytes = 0;
    for (const Piece& piece : request_->body) bytes += piece.size();
    if (method == "PUT") {
      set(CURLOPT_UPLOAD, 1L);
      set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(bytes));
      set(CURLOPT_UPLOAD_BUFFERSIZE, kTransferBuffer);
      set(CURLOPT_READFUNCTION, &Connection::send);
      set(CURLOPT_READDATA, this);
      set(CURLOPT_SEEKFUNCTION, &Connection::rewind);
      set(CURLOPT_SEEKDATA, this);
    } else if (method == "POST") {
      posted_.clear();
      for (const Piece& piece : request_->body) {
        posted_.append(reinterpret_cast<const char*>(piece.data()), piece.size());
      }
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(posted_.size()));
      set(CURLOPT_POSTFIELDS, posted_.c_str());
      add_header("Content-Type: application/xml");
    } else if (method != "GET") {
      set(CURLOPT_CUSTOMREQUEST, request_->method);
    }
  }

  // libcurl's own rules for the digest of the body have changed between versions; one that is given is used by all of
  // them. Objects are not digested: TLS protects them, or nothing does.
  void sign() {
    if (options_.access_key.empty()) return;
    const bool is_put = std::string_view(request_->method) == "PUT";
    const bool is_post = std::string_view(request_->method) == "POST";
    add_header("x-amz-content-sha256: " + (is_put ? "UNSIGNED-PAYLOAD" : sha256_hex(is_post ? posted_ : "")));
    if (!options_.session_token.empty()) add_header("x-amz-security-token: " + options_.session_token);
    set(CURLOPT_AWS_SIGV4, ("aws:amz:" + options_.region + ":s3").c_str());
    set(CURLOPT_USERNAME, options_.access_key.c_str());
    set(CURLOPT_PASSWORD, options_.secret_key.c_str());
  }

  void add_header(const std::string& header) {
    curl_slist* longer = curl_slist_append(headers_, header.c_str());
    GUST_CHECK(longer != nullptr, "there is memory for a header");
    headers_ = longer;
  }

  CURLcode run(const Context& context) {
    curl_multi_add_handle(multi_, easy_);
    CURLcode result = CURLE_OK;
    {
      const std::stop_callback wake(context.stop, [this] { curl_multi_wakeup(multi_); });
      for (int running = 1;;) {
        if (context.stop.stop_requested()) {
          failure_ = Error{ErrorCode::kCancelled, "cancelled"};
          break;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(context.deadline - Clock::now());
        if (left.count() <= 0) {
          failure_ = Error{ErrorCode::kTimedOut, "timed out"};
          break;
        }
        curl_multi_perform(multi_, &running);
        if (running == 0) break;
        curl_multi_poll(multi_, nullptr, 0, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)), nullptr);
      }
    }
    int waiting = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &waiting)) result = message->data.result;
    curl_multi_remove_handle(multi_, easy_);
    return result;
  }

  static std::size_t received(char* data, std::size_t /*one*/, std::size_t bytes, void* self_pointer) {
    auto& self = *static_cast<Connection*>(self_pointer);
    long status = 0;
    curl_easy_getinfo(self.easy_, CURLINFO_RESPONSE_CODE, &status);
    const Receiver* receive = status / 100 == 2 ? self.request_->receive : nullptr;
    if (receive != nullptr) {
      if (self.request_->range && status != 206) {
        self.failure_ = Error{ErrorCode::kUnavailable, "the server does not know ranges"};
        return CURL_WRITEFUNC_ERROR;
      }
      auto taken = (*receive)(std::as_bytes(std::span(data, bytes)));
      if (taken) return bytes;
      self.failure_ = std::move(taken.error());
      return CURL_WRITEFUNC_ERROR;
    }
    if (self.answer_.body.size() + bytes > kLargestAnswer) {
      self.failure_ = Error{ErrorCode::kTooLarge, "its answer is larger than any of S3"};
      return CURL_WRITEFUNC_ERROR;
    }
    self.answer_.body.append(data, bytes);
    return bytes;
  }

  static std::size_t send(char* to, std::size_t /*one*/, std::size_t room, void* self_pointer) {
    auto& self = *static_cast<Connection*>(self_pointer);
    std::size_t sent = 0;
    while (sent < room && self.sent_pieces_ < self.request_->body.size()) {
      const Piece left = self.request_->body[self.sent_pieces_].subspan(self.sent_of_piece_);
      const std::size_t size = std::min(left.size(), room - sent);
      if (size > 0) std::memcpy(to + sent, left.data(), size);
      sent += size;
      self.sent_of_piece_ += size;
      if (size == left.size()) {
        ++self.sent_pieces_;
        self.sent_of_piece_ = 0;
      }
    }
    return sent;
  }

  // libcurl sends once more from the beginning when a connection that it had kept turns out to be closed.
  static int rewind(void* self_pointer, curl_off_t offset, int origin) {
    if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
    auto& self = *static_cast<Connection*>(self_pointer);
    self.sent_pieces_ = 0;
    self.sent_of_piece_ = 0;
    return CURL_SEEKFUNC_OK;
  }

  const S3Options& options_;
  CURL* const easy_;
  CURLM* const multi_;
  curl_slist* headers_ = nullptr;
  char error_[CURL_ERROR_SIZE] = {};
  std::string posted_;
  const Request* request_ = nullptr;
  Answer answer_;
  std::optional<Error> failure_;
  std::size_t sent_pieces_ = 0;
  std::size_t sent_of_piece_ = 0;
};

HttpClient::HttpClient(S3Options options) : options_(std::move(options)) { start_libcurl(); }
HttpClient::~HttpClient() = default;

std::expected<Answer, Broken> HttpClient::perform(const Request& request, const Context& context) {
  std::unique_ptr<Connection> connection;
  {
    const MutexLock lock(mutex_);
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!connection) connection = std::make_unique<Connection>(options_);
  auto answer = connection->perform(request, context);
  const MutexLock lock(mutex_);
  idle_.push_back(std::move(connection));
  return answer;
}

}  // namespace gust::objectstore
