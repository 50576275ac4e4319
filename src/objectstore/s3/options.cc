#include "objectstore/s3/options.h"

#include <curl/curl.h>
#include <memory>
#include <utility>
#include <vector>

namespace gust::objectstore {

namespace {

constexpr const char* kForm =
    "an S3 store is written s3://key:secret@host[:port]/bucket[/prefix][?region=R&tls=false], with '/', '@' and '%' in "
    "the key or the secret percent-encoded";

using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

// Empty when there is none, or when it cannot be decoded.
std::string part(const Url& url, CURLUPart which, unsigned flags = CURLU_URLDECODE) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, curl_free);
  return text;
}

std::string decode(const std::string& text) {
  int size = 0;
  const std::unique_ptr<char, decltype(&curl_free)> plain(
      curl_easy_unescape(nullptr, text.data(), static_cast<int>(text.size()), &size), curl_free);
  return plain ? std::string(plain.get(), static_cast<std::size_t>(size)) : std::string();
}

std::vector<std::pair<std::string, std::string>> fields(const std::string& query) {
  std::vector<std::pair<std::string, std::string>> all;
  for (std::size_t begin = 0; begin < query.size();) {
    const std::size_t end = std::min(query.find('&', begin), query.size());
    const std::string field = query.substr(begin, end - begin);
    const std::size_t equals = std::min(field.find('='), field.size());
    all.emplace_back(field.substr(0, equals), equals == field.size() ? "" : decode(field.substr(equals + 1)));
    begin = end + 1;
  }
  return all;
}

Result<bool> yes_or_no(const std::string& name, const std::string& value) {
  if (value == "true") return true;
  if (value == "false") return false;
  return fail(ErrorCode::kInvalid, "the S3 store's " + name + " is '" + value + "'; it may be true or false");
}

// For log lines and requests alike, they may hold no line breaks.
bool has_control(const std::string& text) { return text.find_first_of(std::string("\r\n\0", 3)) != std::string::npos; }

}  // namespace

Result<S3Options> parse_s3_uri(const std::string& uri) {
  const Url url(curl_url(), curl_url_cleanup);
  if (!uri.starts_with("s3://") ||
      curl_url_set(url.get(), CURLUPART_URL, uri.c_str(), CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS) != CURLUE_OK) {
    return fail(ErrorCode::kInvalid, kForm);
  }
  S3Options options;
  options.access_key = part(url, CURLUPART_USER);
  options.secret_key = part(url, CURLUPART_PASSWORD);
  if (options.access_key.empty() != options.secret_key.empty()) {
    return fail(ErrorCode::kInvalid, std::string("the S3 store has only one of key and secret: ") + kForm);
  }
  const std::string path = part(url, CURLUPART_PATH);
  const std::size_t slash = path.find('/', 1);
  options.bucket = path.substr(1, slash == std::string::npos ? slash : slash - 1);
  if (options.bucket.empty()) return fail(ErrorCode::kInvalid, std::string("the S3 store names no bucket: ") + kForm);
  if (slash != std::string::npos) options.prefix = path.substr(slash + 1);
  if (!options.prefix.empty() && !options.prefix.ends_with('/')) options.prefix += '/';

  bool tls = true;
  for (const auto& [name, value] : fields(part(url, CURLUPART_QUERY, 0))) {
    if (name == "region") {
      options.region = value;
    } else if (name == "session_token") {
      options.session_token = value;
    } else if (name == "ca_file") {
      options.ca_file = value;
    } else if (name == "tls") {
      tls = GUST_TRY(yes_or_no(name, value));
    } else if (name == "insecure") {
      options.verify_tls = !GUST_TRY(yes_or_no(name, value));
    } else {
      return fail(ErrorCode::kInvalid, "the S3 store has no setting '" + name +
                                           "'; there are region, tls, session_token, ca_file and insecure");
    }
  }
  if (options.region.empty() || options.region.find(':') != std::string::npos || has_control(options.region)) {
    return fail(ErrorCode::kInvalid, "the S3 store's region '" + options.region + "' is none; it may be us-east-1");
  }
  for (const std::string* text : {&options.access_key, &options.secret_key, &options.session_token}) {
    if (has_control(*text)) return fail(ErrorCode::kInvalid, "the S3 store's credentials have a line break in them");
  }
  const std::string port = part(url, CURLUPART_PORT);
  options.endpoint = (tls ? "https://" : "http://") + part(url, CURLUPART_HOST, 0) + (port.empty() ? "" : ":" + port);
  return options;
}

}  // namespace gust::objectstore
