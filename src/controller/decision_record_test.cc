#include "controller/decision_record.h"

#include <gtest/gtest.h>
#include <sstream>
#include <string>

#include "base/testing/test_folder.h"

namespace gust::controller {
namespace {

class DecisionRecordTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "decisions"; }
  [[nodiscard]] std::string text() const {
    std::ostringstream all;
    all << std::ifstream(path()).rdbuf();
    return all.str();
  }

 private:
  TestFolder folder_;
};

TEST_F(DecisionRecordTest, EndsBeforeTheLineThatWouldPassItsLimit) {
  {
    const auto record = DecisionRecord::create(path(), Bytes(10)).value();
    record->add("four");
    record->add("more");  // 10 bytes with the ends of the lines
    record->add("x");
    record->add("");
  }
  EXPECT_EQ(text(), "four\nmore\n");
}

TEST_F(DecisionRecordTest, HasNoGapThatAShorterLineWouldFit) {
  {
    const auto record = DecisionRecord::create(path(), Bytes(10)).value();
    record->add("longer than ten bytes");
    record->add("short");
  }
  EXPECT_EQ(text(), "");
}

TEST_F(DecisionRecordTest, BeginsAnew) {
  std::ofstream(path()) << "of another run\n";
  DecisionRecord::create(path(), Bytes(100)).value()->add("of this one");
  EXPECT_EQ(text(), "of this one\n");
}

TEST_F(DecisionRecordTest, AFolderThatDoesNotExist) {
  const auto record = DecisionRecord::create(path() / "missing", Bytes(100));
  ASSERT_FALSE(record.has_value());
  EXPECT_EQ(record.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace gust::controller
