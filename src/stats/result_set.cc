#include "stats/result_set.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <set>
#include <string_view>

#include "stats/result_file.h"

namespace gust::stats {

namespace {

namespace fs = std::filesystem;

std::optional<std::uint32_t> whole_number(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// FaaS, then granularities ascending, then other names.
auto rank(const Granularity& granularity) {
  const int kind = granularity.kind == Granularity::Kind::kFaas    ? 0
                   : granularity.kind == Granularity::Kind::kPacks ? 1
                                                                   : 2;
  return std::tuple(kind, granularity.workers_per_pack, granularity.file_name);
}

std::vector<fs::path> result_files_in(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    if (!entry.is_directory() && granularity_of(entry.path()).kind != Granularity::Kind::kOther) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files, {}, [](const fs::path& path) { return rank(granularity_of(path)); });
  return files;
}

Result<std::vector<fs::path>> expand(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    return fail(ErrorCode::kInvalid, fmt::format("no file or directory {}", path.string()));
  }
  if (!fs::is_directory(status)) return std::vector{path};

  std::vector<fs::path> files = result_files_in(path);
  std::vector<fs::path> sizes;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    if (entry.is_directory() && whole_number(entry.path().filename().string())) sizes.push_back(entry.path());
  }
  if (error) return fail(ErrorCode::kInvalid, fmt::format("cannot read {}: {}", path.string(), error.message()));
  std::ranges::sort(sizes, {}, [](const fs::path& size) { return whole_number(size.filename().string()); });
  for (const fs::path& size : sizes) std::ranges::copy(result_files_in(size), std::back_inserter(files));
  if (files.empty()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("no gran<g>.csv or faas.csv in {} or in a directory <burst size> in it; "
                            "name a file of another name itself",
                            path.string()));
  }
  return files;
}

Result<ResultFile> read_result_file(const fs::path& path) {
  ResultFile file;
  file.path = path;
  file.granularity = granularity_of(path);
  std::error_code error;
  file.stands_for_faas = file.granularity.kind == Granularity::Kind::kPacks && file.granularity.workers_per_pack == 1 &&
                         !fs::exists(path.parent_path() / "faas.csv", error);
  file.runs = split_runs(GUST_TRY(read_results(path)));
  const fs::path directory = fs::absolute(path, error).lexically_normal().parent_path();
  if (const auto size = whole_number(directory.filename().string())) {
    file.burst_size = *size;
  } else {
    for (const Run& run : file.runs) file.burst_size = std::max(file.burst_size, run.workers.size());
  }
  return file;
}

}  // namespace

Granularity granularity_of(const fs::path& path) {
  const std::string name = path.filename().string();
  if (name == "faas.csv") return {.kind = Granularity::Kind::kFaas, .workers_per_pack = 0, .file_name = {}};
  std::string_view digits = name;
  if (digits.starts_with("gran") && digits.ends_with(".csv")) {
    digits.remove_prefix(4);
    digits.remove_suffix(4);
    if (const auto number = whole_number(digits); number && *number > 0) {
      return {.kind = Granularity::Kind::kPacks, .workers_per_pack = *number, .file_name = {}};
    }
  }
  return {.kind = Granularity::Kind::kOther, .workers_per_pack = 0, .file_name = name};
}

std::string ResultFile::label() const {
  if (granularity.kind == Granularity::Kind::kFaas || stands_for_faas) return "FaaS";
  if (granularity.kind == Granularity::Kind::kPacks) return fmt::format("{}", granularity.workers_per_pack);
  return granularity.file_name;
}

std::string ResultFile::directory_name() const {
  constexpr std::size_t kLongest = 32;
  const fs::path directory = path.lexically_normal().parent_path();
  std::string name = (directory.parent_path().filename() / directory.filename()).string();
  return name.size() <= kLongest ? name : "..." + name.substr(name.size() - kLongest + 3);
}

ResultSet read_result_set(std::span<const fs::path> paths) {
  ResultSet set;
  std::set<fs::path> read;
  for (const fs::path& path : paths) {
    const auto files = expand(path);
    if (!files) {
      set.refused.push_back(files.error());
      continue;
    }
    for (const fs::path& file : *files) {
      std::error_code error;
      const fs::path same = fs::weakly_canonical(file, error);
      if (!error && !read.insert(same).second) continue;
      if (auto result = read_result_file(file)) {
        set.files.push_back(*std::move(result));
      } else {
        set.refused.push_back(std::move(result).error());
      }
    }
  }
  return set;
}

}  // namespace gust::stats
