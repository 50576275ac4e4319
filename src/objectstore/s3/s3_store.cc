#include "objectstore/s3/s3_store.h"

#include <algorithm>
#include <openssl/evp.h>
#include <utility>

#include "base/encoding.h"
#include "objectstore/s3/answers.h"
#include "objectstore/s3/retry.h"

namespace gust::objectstore {

namespace {

using namespace std::chrono_literals;

// What an upload that is given up may take of its owner's time.
constexpr auto kAbortPatience = 5s;

// DeleteObjects has to have it, and not all servers take another digest in its place.
std::string md5_base64(std::string_view bytes) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_md5(), nullptr);
  return base64_encode(std::string_view(digest).substr(0, size));
}

}  // namespace

S3Store::S3Store(S3Options options) : options_(std::move(options)), http_(options_) {}

std::string S3Store::path(const std::string& key) const {
  return "/" + percent_encode(options_.bucket, Slash::kEncode) + "/" +
         percent_encode(options_.prefix + key, Slash::kKeep);
}

std::string S3Store::doing(const char* what, const std::string& key) const {
  const std::string host = options_.endpoint.substr(options_.endpoint.find("//") + 2);
  return std::string(what) + " s3://" + options_.bucket + "/" + options_.prefix + key + " at " + host;
}

Result<Answer> S3Store::call(const Request& request, const Context& context, const std::string& doing) {
  return with_retries(options_, context, doing, [&] { return http_.perform(request, context); });
}

Result<void> S3Store::get(const std::string& key, const Range& range, const Receiver& receive, const Context& context) {
  GUST_TRY_VOID(check_key(key));
  std::uint64_t got = 0;
  std::string etag;
  const Receiver counting = [&](Piece piece) -> Result<void> {
    GUST_TRY_VOID(receive(piece));
    got += piece.size();
    return {};
  };
  // What has arrived is not fetched again: a further try goes on behind it, in the same version of the object.
  const auto attempt = [&]() -> std::expected<Answer, Broken> {
    if (range.bytes && got == *range.bytes) return Answer{.status = 200};
    Request request{.path = path(key), .receive = &counting};
    if (range.offset + got > 0 || range.bytes) {
      request.range = Range{range.offset + got};
      if (range.bytes) request.range->bytes = *range.bytes - got;
    }
    if (got > 0) request.headers.push_back("If-Match: " + etag);
    auto answer = http_.perform(request, context);
    if (!answer && etag.empty()) {
      etag = answer.error().etag;
      if (got > 0 && etag.empty()) answer.error().may_pass = false;
    }
    return answer;
  };
  GUST_TRY(with_retries(options_, context, doing("get", key), attempt));
  return {};
}

Result<void> S3Store::put(const std::string& key, std::span<const Piece> pieces, const Context& context) {
  GUST_TRY_VOID(check_key(key));
  const Request request{.method = "PUT", .path = path(key), .body = pieces};
  GUST_TRY(call(request, context, doing("put", key)));
  return {};
}

Result<Page> S3Store::list(const std::string& prefix, const std::string& from, std::uint32_t limit,
                           const Context& context) {
  if (limit < 1 || limit > kLargestPage) {
    return fail(ErrorCode::kInvalid, "a page has 1 to 1000 objects, not " + std::to_string(limit));
  }
  Request request{.path = "/" + percent_encode(options_.bucket, Slash::kEncode)};
  if (!from.empty()) request.query = "continuation-token=" + percent_encode(from, Slash::kEncode) + "&";
  request.query += "encoding-type=url&list-type=2&max-keys=" + std::to_string(limit) +
                   "&prefix=" + percent_encode(options_.prefix + prefix, Slash::kEncode);
  const Answer answer = GUST_TRY(call(request, context, doing("list", prefix)));
  auto page = read_list(answer.body);
  if (!page) return std::unexpected(page.error().while_doing(doing("list", prefix)));
  for (Object& object : page->objects) object.key.erase(0, options_.prefix.size());
  return page;
}

Result<void> S3Store::remove(const std::string& key, const Context& context) {
  GUST_TRY_VOID(check_key(key));
  const Request request{.method = "DELETE", .path = path(key)};
  const auto answer = call(request, context, doing("remove", key));
  // Most servers know no such error; none means more by it.
  if (!answer && answer.error().message.find(": NoSuchKey (404)") == std::string::npos) {
    return std::unexpected(answer.error());
  }
  return {};
}

Result<void> S3Store::remove_many(std::span<const std::string> keys, const Context& context) {
  for (const std::string& key : keys) GUST_TRY_VOID(check_key(key));
  while (!keys.empty()) {
    const std::size_t count = std::min<std::size_t>(keys.size(), kLargestPage);
    GUST_TRY_VOID(remove_page(keys.first(count), context));
    keys = keys.subspan(count);
  }
  return {};
}

Result<void> S3Store::remove_page(std::span<const std::string> keys, const Context& context) {
  std::string body = R"(<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>)";
  for (const std::string& key : keys) body += "<Object>" + xml_element("Key", options_.prefix + key) + "</Object>";
  body += "</Delete>";
  const Piece piece = std::as_bytes(std::span(body));
  const Request request{.method = "POST",
                        .path = "/" + percent_encode(options_.bucket, Slash::kEncode),
                        .query = "delete=",
                        .headers = {"Content-MD5: " + md5_base64(body)},
                        .body = {&piece, 1}};
  const auto attempt = [&]() -> std::expected<Answer, Broken> {
    auto answer = http_.perform(request, context);
    if (!answer || answer->status != 200) return answer;
    const auto left = read_not_deleted(answer->body);
    if (!left) return std::unexpected(Broken{left.error()});
    if (left->empty()) return answer;
    const std::string& first = left->front();
    const bool may_pass = first.contains(": InternalError ") || first.contains(": SlowDown ");
    const auto code = first.contains(": AccessDenied ") ? ErrorCode::kDenied : ErrorCode::kUnavailable;
    return std::unexpected(Broken{
        {code, std::to_string(left->size()) + " objects were not removed, the first of them " + first}, may_pass});
  };
  const std::string doing_this = doing("remove", keys.front()) + " and " + std::to_string(keys.size() - 1) + " others";
  GUST_TRY(with_retries(options_, context, doing_this, attempt));
  return {};
}

class S3Store::Multipart final : public Upload {
 public:
  Multipart(S3Store& store, std::string key, std::string id)
      : store_(store), key_(std::move(key)), id_(percent_encode(id, Slash::kEncode)) {}

  ~Multipart() override {
    if (completed_) return;
    const Request request{.method = "DELETE", .path = store_.path(key_), .query = "uploadId=" + id_};
    // Servers have rules for what is left over; there is nobody to tell.
    (void)store_.call(request, {std::chrono::steady_clock::now() + kAbortPatience}, "");
  }

  Result<void> add(Piece part, const Context& context) override {
    const Request request{
        .method = "PUT",
        .path = store_.path(key_),
        .query = "partNumber=" + std::to_string(etags_.size() + 1) + "&uploadId=" + id_,
        .body = {&part, 1},
    };
    Answer answer = GUST_TRY(store_.call(request, context, store_.doing("put a part of", key_)));
    etags_.push_back(std::move(answer.etag));
    return {};
  }

  Result<void> complete(const Context& context) override {
    std::string body = R"(<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)";
    for (std::size_t i = 0; i < etags_.size(); ++i) {
      body += "<Part>" + xml_element("ETag", etags_[i]) + xml_element("PartNumber", std::to_string(i + 1)) + "</Part>";
    }
    body += "</CompleteMultipartUpload>";
    const Piece piece = std::as_bytes(std::span(body));
    const Request request{.method = "POST", .path = store_.path(key_), .query = "uploadId=" + id_, .body = {&piece, 1}};
    bool may_be_done = false;  // an earlier try may have done it without our having heard
    const auto attempt = [&]() -> std::expected<Answer, Broken> {
      auto answer = store_.http_.perform(request, context);
      if (!answer) {
        may_be_done = true;
        return answer;
      }
      const S3Error said = read_error(answer->body);
      if (may_be_done && said.code == "NoSuchUpload") return Answer{.status = 200};
      // The status is sent before the work is done: an error may follow it.
      if (answer->status == 200 && !said.code.empty()) answer->status = 500;
      may_be_done = may_be_done || answer->status / 100 == 5;
      return answer;
    };
    GUST_TRY(with_retries(store_.options_, context, store_.doing("complete", key_), attempt));
    completed_ = true;
    return {};
  }

 private:
  S3Store& store_;
  const std::string key_;
  const std::string id_;  // percent-encoded
  std::vector<std::string> etags_;
  bool completed_ = false;
};

Result<std::unique_ptr<Upload>> S3Store::start_upload(const std::string& key, const Context& context) {
  GUST_TRY_VOID(check_key(key));
  const Request request{.method = "POST", .path = path(key), .query = "uploads="};
  const Answer answer = GUST_TRY(call(request, context, doing("begin to put", key)));
  auto id = read_upload_id(answer.body);
  if (!id) return std::unexpected(id.error().while_doing(doing("begin to put", key)));
  return std::make_unique<Multipart>(*this, key, std::move(*id));
}

}  // namespace gust::objectstore
