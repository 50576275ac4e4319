#include "http/target.h"

#include <gtest/gtest.h>
#include <random>

#include "http/client.h"

namespace gust::http {
namespace {

TEST(Target, ReadsOriginForm) {
  const auto target = parse_target("/api/v1/a%2Fb?blocking=true&x=1+2&y=%41%26&flag&x=3&&=v");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/api/v1/a%2Fb");
  EXPECT_EQ(target->query, (Query{{"blocking", "true"}, {"x", "3"}, {"y", "A&"}, {"flag", ""}, {"", "v"}}));
}

TEST(Target, ReadsAbsoluteFormAsLithopsSendsIt) {
  const auto target = parse_target("https://127.0.0.1:3233/api/v1/namespaces/_/actions/x?blocking=false");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/api/v1/namespaces/_/actions/x");
  EXPECT_EQ(target->query.at("blocking"), "false");
  EXPECT_EQ(parse_target("http://host")->path, "/");
  EXPECT_EQ(parse_target("http://host?a=b")->query.at("a"), "b");
  EXPECT_EQ(parse_target("http://[::1]:80/x#part")->path, "/x");
  EXPECT_EQ(parse_target("*")->path, "*");
  EXPECT_EQ(parse_target("//double//slash")->path, "//double//slash");
  EXPECT_EQ(parse_target("/a?url=http://x/y")->query.at("url"), "http://x/y");
}

TEST(Target, RefusesWhatIsNone) {
  for (const char* wrong :
       {"", "host:443", "api/v1", "://x/y", "h@st://x/", "/x?a=%", "/x?a=%4", "/x?%zz=1", "/x?a=%00"}) {
    const auto target = parse_target(wrong);
    ASSERT_FALSE(target) << wrong;
    EXPECT_EQ(target.error().code, ErrorCode::kInvalid) << wrong;
  }
}

TEST(Target, EncodesWhatItDecodes) {
  std::string all;
  for (int c = 1; c < 256; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  const auto again = parse_target(make_target("/p", {{all, all}, {"b", ""}}));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->query, (Query{{all, all}, {"b", ""}}));
  EXPECT_EQ(make_target("/p", {}), "/p");
}

TEST(Target, SurvivesRandomText) {
  std::mt19937 random(7);
  const std::string_view alphabet = "/:?#&=%+.[]@ab01%%//\xff\x01";
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (unsigned n = random() % 24; n > 0; --n) text.push_back(alphabet[random() % alphabet.size()]);
    if (const auto target = parse_target(text)) {
      EXPECT_TRUE(target->path == "*" || target->path.starts_with('/')) << text;
    }
    if (const auto endpoint = parse_endpoint("http://" + text)) {
      EXPECT_FALSE(endpoint->host.empty()) << text;
    }
  }
}

TEST(EndpointUrl, IsRead) {
  const auto full = parse_endpoint("HTTPS://gust.example:3233/base/");
  ASSERT_TRUE(full);
  EXPECT_TRUE(full->tls);
  EXPECT_EQ(full->host, "gust.example");
  EXPECT_EQ(full->port, 3233);
  EXPECT_EQ(full->base_path, "/base");
  EXPECT_EQ(parse_endpoint("http://a")->port, 80);
  EXPECT_EQ(parse_endpoint("https://a")->port, 443);
  EXPECT_EQ(parse_endpoint("https://[::1]:7")->host, "::1");
  EXPECT_EQ(parse_endpoint("https://[::1]:7")->port, 7);
}

TEST(EndpointUrl, IsRefusedWithAWayOut) {
  EXPECT_TRUE(parse_endpoint("127.0.0.1:3233").error().message.contains("https://"));
  EXPECT_TRUE(parse_endpoint("http://::1:80").error().message.contains("brackets"));
  for (const char* wrong :
       {"", "ftp://x", "http://", "http://:80", "http://x:0", "http://x:65536", "http://x:8o",
        "http://x:", "http://[::1", "http://[::1]80", "http://u:p@x", "http://x/?q", "http://x y"}) {
    const auto endpoint = parse_endpoint(wrong);
    ASSERT_FALSE(endpoint) << wrong;
    EXPECT_EQ(endpoint.error().code, ErrorCode::kInvalid) << wrong;
  }
}

}  // namespace
}  // namespace gust::http
