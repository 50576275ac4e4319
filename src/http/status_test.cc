#include "http/status.h"

#include <gtest/gtest.h>

#include "base/ids.h"
#include "base/json.h"

namespace gust::http {
namespace {

TEST(Status, NeverFitsIsNotRepeatedByClients) {
  EXPECT_EQ(status_of(ErrorCode::kNeverFits), 400U);
  EXPECT_EQ(status_of(ErrorCode::kBusy), 429U);
}

TEST(Status, EveryErrorHasErrorAndCode) {
  for (int value = 0; value <= static_cast<int>(ErrorCode::kInternal); ++value) {
    const Error error{.code = static_cast<ErrorCode>(value), .message = "the reason"};
    const Response response = error_response(error);
    EXPECT_GE(response.status, 400U);
    const auto body = parse_json(response.body, "body");
    ASSERT_TRUE(body);
    EXPECT_EQ(body->at("error"), "the reason");
    EXPECT_TRUE(is_hex_id(body->at("code").get<std::string>()));
    EXPECT_EQ(error_of(response).code, error.code);
    EXPECT_EQ(error_of(response).message, "the reason");
  }
}

TEST(Status, DeniedAsksForAKey) {
  EXPECT_EQ(error_response({.code = ErrorCode::kDenied, .message = "no"}).header("www-authenticate"), "Basic");
  EXPECT_FALSE(error_response(404, "no").header("www-authenticate"));
}

TEST(Status, OtherServersErrorsAreReadToo) {
  EXPECT_EQ(error_of({.status = 404, .body = "<html>"}).code, ErrorCode::kNotFound);
  EXPECT_TRUE(error_of({.status = 503, .body = "{\"error\": 5}"}).message.contains("503"));
  EXPECT_EQ(error_of({.status = 418, .body = ""}).code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace gust::http
