// curl against the server, where it is installed.
#include <cstdio>
#include <fstream>
#include <gmock/gmock.h>

#include "http/server.h"
#include "http/test_util.h"

namespace gust::http {
namespace {

using namespace testing;  // NOLINT: the module's test helpers

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  char bytes[4096];
  for (std::size_t n = 0; (n = std::fread(bytes, 1, sizeof bytes, pipe)) > 0;) text.append(bytes, n);
  ::pclose(pipe);
  return text;
}

TEST(ForeignClient, CurlVerifiesAndUploads) {
  if (output_of("command -v curl").empty()) GTEST_SKIP() << "curl is not installed";
  TestServer server;
  const std::string file = ::testing::TempDir() + "gust-curl-" + std::to_string(::getpid()) + ".pem";
  std::ofstream(file) << shared_certificate().chain;
  const std::string port = std::to_string(server.port());
  const std::string curl = "curl -sS --max-time 20 --noproxy '*' --cacert " + file + " ";
  EXPECT_EQ(output_of(curl + "-d abc 'https://localhost:" + port + "/x?a=1%202'"), "POST /x abc a=1 2");
  EXPECT_EQ(output_of(curl + "'http://127.0.0.1:" + port + "/x'"), "GET /x ");
  EXPECT_EQ(output_of("head -c 2000000 /dev/zero | " + curl +
                      "-T - -H 'Expect: 100-continue' 'https://127.0.0.1:" + port + "/up' | wc -c"),
            "2000008\n");
  std::remove(file.c_str());
}

}  // namespace
}  // namespace gust::http
