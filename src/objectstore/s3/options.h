// Where an S3 bucket is and who may use it.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace gust::objectstore {

struct S3Options {
  std::string endpoint;  ///< "https://host[:port]"; the bucket goes into the path
  std::string region = "us-east-1";
  std::string bucket;
  std::string prefix;      ///< of all keys, "" or with a slash at the end; callers do not see it
  std::string access_key;  ///< empty: requests are not signed, for what everybody may read
  std::string secret_key;
  std::string session_token;           ///< of temporary credentials
  std::filesystem::path ca_file = {};  ///< PEM: whom to trust instead of the system's authorities
  bool verify_tls = true;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::seconds stall_timeout{20};            ///< without a byte: the connection is given up
  std::chrono::milliseconds first_backoff{25};       ///< mean wait before trying again is half of it; doubles each time
  std::chrono::milliseconds longest_backoff{5'000};  ///< up to this; a server's Retry-After may ask for more
};

/// Reads s3://key:secret@host[:port]/bucket[/prefix], then ? and, joined with &, any of region=R, tls=false,
/// session_token=T, ca_file=PATH and insecure=true. Percent-encoding is undone in each part; a secret's '/' has to be
/// written %2F. kInvalid otherwise, without the secret in the message.
Result<S3Options> parse_s3_uri(const std::string& uri);

}  // namespace gust::objectstore
