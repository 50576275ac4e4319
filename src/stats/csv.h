// Comma-separated values, read row by row, knowing at every field where it stands in the file.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust::stats {

struct CsvRow {
  std::size_t line = 0;                  ///< of its first character, from 1
  std::vector<std::string_view> fields;  ///< without spaces around them; valid until the next row is read
};

/// Reads RFC 4180 and what people make of it: LF or CRLF, a byte order mark, blanks around fields, blank lines (which
/// are skipped, as are rows of nothing but commas). Holds views into the text. Not thread-safe.
class CsvReader {
 public:
  /// `name` stands in front of every error message: "name:line:field: …".
  CsvReader(std::string_view text, std::string name);

  /// The next row that is not blank; false at the end. kInvalid for a quote that is not closed or has text behind it.
  Result<bool> next(CsvRow& row);

  /// An error at a field of a row, both counted from 1; field 0 is the whole row.
  [[nodiscard]] std::unexpected<Error> fail_at(std::size_t line, std::size_t field, std::string_view what) const;

 private:
  Result<std::string_view> quoted_field(const CsvRow& row);
  [[nodiscard]] bool at_row_end() const { return at_ == text_.size() || text_[at_] == '\n'; }

  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::deque<std::string> unescaped_;  // fields of the current row that had doubled quotes
};

/// The text without blanks (space, tab, carriage return, non-breaking space) around it.
std::string_view trim(std::string_view text);

}  // namespace gust::stats
