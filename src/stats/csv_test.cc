#include "stats/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gust::stats {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Line {
  std::size_t number;
  std::vector<std::string> fields;
  bool operator==(const Line&) const = default;
};

Result<std::vector<Line>> read_all(std::string_view text) {
  CsvReader reader(text, "f.csv");
  std::vector<Line> lines;
  CsvRow row;
  while (GUST_TRY(reader.next(row))) lines.push_back({row.line, {row.fields.begin(), row.fields.end()}});
  return lines;
}

TEST(Csv, ReadsRowsWithTheirLines) {
  EXPECT_THAT(read_all("a,b\n1,2\n").value(), ElementsAre(Line{1, {"a", "b"}}, Line{2, {"1", "2"}}));
}

TEST(Csv, TakesMissingLastNewline) { EXPECT_THAT(read_all("a,b").value(), ElementsAre(Line{1, {"a", "b"}})); }

TEST(Csv, TakesByteOrderMarkAndCarriageReturns) {
  EXPECT_THAT(read_all("\xEF\xBB\xBF"
                       "a,b\r\n1,2\r\n")
                  .value(),
              ElementsAre(Line{1, {"a", "b"}}, Line{2, {"1", "2"}}));
}

TEST(Csv, DropsBlanksAroundFields) {
  EXPECT_THAT(read_all(" a ,\tb\xC2\xA0,  \"c\"  \n").value(), ElementsAre(Line{1, {"a", "b", "c"}}));
}

TEST(Csv, SkipsBlankRowsAndCountsThem) {
  EXPECT_THAT(read_all("\na\n\n ,, \n  \r\nb\n").value(), ElementsAre(Line{2, {"a"}}, Line{6, {"b"}}));
}

TEST(Csv, KeepsEmptyFields) {
  EXPECT_THAT(read_all("a,,b,\n,x").value(), ElementsAre(Line{1, {"a", "", "b", ""}}, Line{2, {"", "x"}}));
}

TEST(Csv, ReadsQuotedFields) {
  EXPECT_THAT(read_all("\"a,b\",\"say \"\"hi\"\" twice\",\"two\nlines\",\"\"\nnext\n").value(),
              ElementsAre(Line{1, {"a,b", "say \"hi\" twice", "two\nlines", ""}}, Line{3, {"next"}}));
}

TEST(Csv, NamesThePlaceOfAQuoteThatIsNeverClosed) {
  const auto lines = read_all("a,b\n1,\"2\n3,4\n");
  ASSERT_FALSE(lines);
  EXPECT_EQ(lines.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(lines.error().message, HasSubstr("f.csv:2:2: this quote is never closed"));
}

TEST(Csv, RefusesTextBehindAQuote) {
  const auto lines = read_all("a,\"b\"c\n");
  ASSERT_FALSE(lines);
  EXPECT_THAT(lines.error().message, HasSubstr("f.csv:1:2: text behind the closing quote"));
}

}  // namespace
}  // namespace gust::stats
