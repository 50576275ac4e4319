#include "controller/decision_record.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

namespace gust::controller {

DecisionRecord::DecisionRecord(std::filesystem::path path, Bytes limit)
    : path_(std::move(path)), file_(path_, std::ios::trunc), limit_(limit) {}

Result<std::unique_ptr<DecisionRecord>> DecisionRecord::create(const std::filesystem::path& path, Bytes limit) {
  std::unique_ptr<DecisionRecord> record(new DecisionRecord(path, limit));
  if (record->file_) return record;
  return fail(ErrorCode::kInvalid, fmt::format("cannot write the record of decisions to {}; give a file in a folder "
                                               "that exists and may be written to",
                                               path.string()));
}

void DecisionRecord::add(std::string_view line) {
  if (!file_.is_open()) return;
  size_ += Bytes(line.size() + 1);
  if (size_ <= limit_) {
    file_ << line << '\n';
    return;
  }
  file_.close();
  spdlog::warn("{} has reached its limit of {}: later decisions are not written down; raise record_limit for more",
               path_.string(), to_string(limit_));
}

}  // namespace gust::controller
