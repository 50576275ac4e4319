#include "cli/exit_code.h"

#include <gtest/gtest.h>

namespace gust::cli {
namespace {

// docs/errors.md holds the same table; scripts rely on it.
TEST(ExitCode, IsTheDocumentedOne) {
  EXPECT_EQ(exit_code(ErrorCode::kUnknown), 1);
  EXPECT_EQ(exit_code(ErrorCode::kInvalid), 2);
  EXPECT_EQ(exit_code(ErrorCode::kNotFound), 5);
  EXPECT_EQ(exit_code(ErrorCode::kExists), 2);
  EXPECT_EQ(exit_code(ErrorCode::kDenied), 4);
  EXPECT_EQ(exit_code(ErrorCode::kTooLarge), 2);
  EXPECT_EQ(exit_code(ErrorCode::kNeverFits), 6);
  EXPECT_EQ(exit_code(ErrorCode::kBusy), 6);
  EXPECT_EQ(exit_code(ErrorCode::kUnavailable), 3);
  EXPECT_EQ(exit_code(ErrorCode::kTimedOut), 7);
  EXPECT_EQ(exit_code(ErrorCode::kCancelled), 130);
  EXPECT_EQ(exit_code(ErrorCode::kCrashed), 1);
  EXPECT_EQ(exit_code(ErrorCode::kVersionMismatch), 2);
  EXPECT_EQ(exit_code(ErrorCode::kInternal), 1);
}

TEST(ExitCode, AReportIsOneSentenceOnStandardError) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(report(Error{ErrorCode::kDenied, "wrong key"}), kExitDenied);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "gust: wrong key\n");
}

}  // namespace
}  // namespace gust::cli
