// to_utf8 and PackLog: what user code wrote, made fit to be passed on.
#include <gtest/gtest.h>
#include <string>

#include "invoker/pack_log.h"
#include "invoker/utf8.h"

namespace gust::invoker {
namespace {

constexpr const char* kBad = "\xef\xbf\xbd";

TEST(Utf8, LeavesWellFormedTextAlone) {
  const std::string text = "ascii \u00e9 \u20ac \U0001f680";
  EXPECT_EQ(to_utf8(text), text);
  EXPECT_EQ(to_utf8(""), "");
}

TEST(Utf8, ReplacesWhatIsNotWellFormed) {
  EXPECT_EQ(to_utf8("a\xff"
                    "b"),
            std::string("a") + kBad + "b");
  EXPECT_EQ(to_utf8("\xe2\x82"), std::string(kBad) + kBad);                     // cut short
  EXPECT_EQ(to_utf8("\xc0\xaf"), std::string(kBad) + kBad);                     // overlong
  EXPECT_EQ(to_utf8("\xed\xa0\x80"), std::string(kBad) + kBad + kBad);          // a surrogate
  EXPECT_EQ(to_utf8("\xf4\x90\x80\x80").size(), 4 * std::string(kBad).size());  // above U+10FFFF
}

class PackLogTest : public ::testing::Test {
 protected:
  google::protobuf::RepeatedPtrField<protocol::LogLine> lines(PackLog& log) {
    log.close(from_micros(9));
    google::protobuf::RepeatedPtrField<protocol::LogLine> lines;
    log.take(lines);
    return lines;
  }
};

TEST_F(PackLogTest, KeepsTheStreamsApart) {
  PackLog log(Bytes(1000));
  log.append(OutputStream::kStdout, "to ", from_micros(1));
  log.append(OutputStream::kStderr, "wrong\n", from_micros(2));
  log.append(OutputStream::kStdout, "screen\n\nend", from_micros(3));
  const auto found = lines(log);
  ASSERT_EQ(found.size(), 4);
  EXPECT_EQ(found[0].text(), "wrong");
  EXPECT_TRUE(found[0].is_stderr());
  EXPECT_EQ(found[0].stamp_us(), 2);
  EXPECT_EQ(found[1].text(), "to screen");
  EXPECT_EQ(found[2].text(), "");
  EXPECT_EQ(found[3].text(), "end");
  EXPECT_EQ(found[3].stamp_us(), 9);
}

TEST_F(PackLogTest, CutsVeryLongLines) {
  PackLog log(Bytes::mb(1));
  log.append(OutputStream::kStdout, std::string(PackLog::kMaxLine + 1, 'x') + "\n", from_micros(1));
  const auto found = lines(log);
  ASSERT_EQ(found.size(), 2);
  EXPECT_EQ(found[0].text().size(), PackLog::kMaxLine);
  EXPECT_EQ(found[1].text(), "x");
}

TEST_F(PackLogTest, EmptyLinesCountTowardsTheLimit) {
  PackLog log(Bytes(10 * PackLog::kLineOverhead));
  log.append(OutputStream::kStdout, std::string(100'000, '\n'), from_micros(1));
  const auto found = lines(log);
  ASSERT_EQ(found.size(), 11);
  EXPECT_EQ(found[10].text(),
            "the log was cut here: this pack wrote more than 400 bytes; raise limits.logs to keep more");
}

TEST_F(PackLogTest, ALimitOfNothingKeepsNothingButTheNotice) {
  PackLog log{Bytes()};
  log.append(OutputStream::kStdout, "a\nb\n", from_micros(1));
  EXPECT_EQ(lines(log).size(), 1);
}

}  // namespace
}  // namespace gust::invoker
