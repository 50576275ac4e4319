// A real S3 server for tests: tests/s3_server, with an empty bucket.
#pragma once

#include <memory>
#include <string>

#include "base/testing/server.h"
#include "objectstore/s3/options.h"

namespace gust::objectstore::testing {

enum class Tls : std::uint8_t { kNo, kYes };

/// As gust::testing::Server.
class S3Server {
 public:
  /// kNotFound when it has not been built.
  static Result<std::unique_ptr<S3Server>> start(Tls tls = Tls::kNo);

  [[nodiscard]] gust::testing::Server& process() { return *server_; }
  /// Of the bucket; what `prefix` has in front of all keys. With TLS the certificate is trusted.
  [[nodiscard]] S3Options options() const;
  /// The same for parse_s3_uri(); `prefix` without slashes around it.
  [[nodiscard]] std::string uri(const std::string& prefix = "") const;

 private:
  explicit S3Server(Tls tls) : tls_(tls) {}

  const Tls tls_;
  std::unique_ptr<gust::testing::Server> server_;
};

}  // namespace gust::objectstore::testing
