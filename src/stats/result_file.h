// Result files: comma-separated values, one row a worker (record.h says what each column means).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "stats/record.h"

namespace gust::stats {

/// A million workers make about 400 MB.
inline constexpr Bytes kMaxResultFile = Bytes::mb(1024);

/// Header and rows as text: stamps and durations with six decimals, booleans True and False, sizes in bytes, an unknown
/// value as nothing.
std::string format_results(std::span<const Record> records);

/// Writes them to a file, which is there either complete or not at all. Blocks; one writer a path.
Result<void> write_results(const std::filesystem::path& path, std::span<const Record> records);

/// Reads the rows of any file with these columns, ours or not: columns in any order and further ones among them, all
/// but host_job_create_tstamp, worker_start_tstamp and worker_end_tstamp may be missing, numbers may be written as
/// integers or not. Repeated rows are kept. At least one record, or kInvalid: "name:line:column: what is wrong", the
/// column counted in fields.
Result<std::vector<Record>> parse_results(std::string_view text, const std::string& name);

/// parse_results of a file's content; kInvalid also where the file cannot be read or is over kMaxResultFile. Blocks.
Result<std::vector<Record>> read_results(const std::filesystem::path& path);

}  // namespace gust::stats
