// A bucket of an S3 server: Amazon's, or another one by path-style requests.
#pragma once

#include "objectstore/object_store.h"
#include "objectstore/s3/http.h"
#include "objectstore/s3/options.h"

namespace gust::objectstore {

class S3Store final : public ObjectStore {
 public:
  /// Does nothing yet: whether there is such a server shows with the first call. The bucket must exist.
  explicit S3Store(S3Options options);

  Result<void> get(const std::string& key, const Range& range, const Receiver& receive,
                   const Context& context) override;
  Result<void> put(const std::string& key, std::span<const Piece> pieces, const Context& context) override;
  Result<std::unique_ptr<Upload>> start_upload(const std::string& key, const Context& context) override;
  Result<Page> list(const std::string& prefix, const std::string& from, std::uint32_t limit,
                    const Context& context) override;
  Result<void> remove(const std::string& key, const Context& context) override;
  Result<void> remove_many(std::span<const std::string> keys, const Context& context) override;

 private:
  class Multipart;

  Result<Answer> call(const Request& request, const Context& context, const std::string& doing);
  Result<void> remove_page(std::span<const std::string> keys, const Context& context);
  [[nodiscard]] std::string path(const std::string& key) const;
  /// "put s3://bucket/key at host:port".
  [[nodiscard]] std::string doing(const char* what, const std::string& key) const;

  const S3Options options_;
  HttpClient http_;
};

}  // namespace gust::objectstore
