#include "objectstore/testing/s3_server.h"

#include <cstdlib>
#include <filesystem>

#include "base/check.h"
#include "objectstore/s3/http.h"
#include "objectstore/s3/s3_store.h"

namespace gust::objectstore::testing {

namespace fs = std::filesystem;

namespace {

constexpr const char* kBucket = "gust-test";
constexpr const char* kAccessKey = "GUSTTESTKEY";
constexpr const char* kSecret = "se/cr+et@&%=";

void make_certificate(const fs::path& folder) {
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 -addext "
      "subjectAltName=IP:127.0.0.1 -keyout '" +
      (folder / "key.pem").string() + "' -out '" + (folder / "certificate.pem").string() + "' 2>/dev/null";
  GUST_CHECK(std::system(command.c_str()) == 0, "openssl makes a certificate");
}

S3Options options_for(std::uint16_t port, Tls tls, const fs::path& folder) {
  S3Options options;
  options.endpoint = (tls == Tls::kYes ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port);
  options.bucket = kBucket;
  options.access_key = kAccessKey;
  options.secret_key = kSecret;
  if (tls == Tls::kYes) options.ca_file = folder / "certificate.pem";
  return options;
}

}  // namespace

Result<std::unique_ptr<S3Server>> S3Server::start(Tls tls) {
  const auto folder_of = std::make_shared<fs::path>();
  gust::testing::ServerProgram program;
  program.path = GUST_S3_SERVER;
  program.name = program.path.filename();
  program.arguments = [tls, folder_of](const fs::path& folder, std::uint16_t port) {
    *folder_of = folder;
    fs::create_directories(folder / "buckets" / kBucket);
    std::vector<std::string> arguments = {"--folder", folder.string(), "--listen", "127.0.0.1:" + std::to_string(port)};
    if (tls == Tls::kYes) {
      if (!fs::exists(folder / "key.pem")) make_certificate(folder);
      arguments.insert(arguments.end(), {"--certificate", (folder / "certificate.pem").string(), "--key",
                                         (folder / "key.pem").string()});
    }
    return arguments;
  };
  program.environment = [](const fs::path& /*folder*/, std::uint16_t /*port*/) {
    return std::vector{std::string("ROOT_ACCESS_KEY=") + kAccessKey, std::string("ROOT_SECRET_KEY=") + kSecret};
  };
  program.answers = [tls, folder_of](std::uint16_t port) {
    S3Store store(options_for(port, tls, *folder_of));
    return store.list("", "", 1, {std::chrono::steady_clock::now() + std::chrono::milliseconds(200)}).has_value();
  };
  std::unique_ptr<S3Server> server(new S3Server(tls));
  server->server_ = GUST_TRY(gust::testing::Server::start(std::move(program)));
  return server;
}

S3Options S3Server::options() const { return options_for(server_->port(), tls_, server_->folder()); }

std::string S3Server::uri(const std::string& prefix) const {
  const auto encode = [](const std::string& text) { return percent_encode(text, Slash::kEncode); };
  std::string text = "s3://" + encode(kAccessKey) + ":" + encode(kSecret) +
                     "@127.0.0.1:" + std::to_string(server_->port()) + "/" + kBucket;
  if (!prefix.empty()) text += "/" + percent_encode(prefix, Slash::kKeep);
  if (tls_ == Tls::kNo) return text + "?tls=false";
  return text + "?ca_file=" + encode((server_->folder() / "certificate.pem").string());
}

}  // namespace gust::objectstore::testing
