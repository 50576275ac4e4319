// Tables for people's eyes.
#pragma once

#include <string>
#include <vector>

namespace gust::stats {

/// Rows of one width with the header; the first `left_columns` columns are aligned to the left, numbers to the right.
/// Ends with a newline.
std::string format_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows,
                         std::size_t left_columns = 0);

}  // namespace gust::stats
