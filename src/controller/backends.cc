#include "controller/backends.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <utility>

#include "transport/backend.h"

namespace gust::controller {

Backends::Backends(std::map<std::string, std::string, std::less<>> uris, std::string directory)
    : uris_(std::move(uris)), directory_(std::move(directory)) {}

Backends::~Backends() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
    news_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Result<std::string> Backends::choose(std::string_view wanted) const {
  const std::string_view name = wanted.empty() ? "tcp" : wanted == "redis" ? "redis-list" : wanted;
  const auto names = transport::backend_names();
  if (std::ranges::find(names, name) == names.end()) {
    return fail(ErrorCode::kInvalid, fmt::format("backend: '{}' is none of {}", wanted, fmt::join(names, ", ")));
  }
  const std::string_view setting = transport::backend_setting(name);
  if (!setting.empty() && uri(name).empty()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("backend: {} needs a server, and the controller knows none; set its setting {} ({}) to the "
                            "server's URI, or use tcp",
                            name, setting,
                            setting == "redis" ? "GUST_REDIS"
                            : setting == "s3"  ? "GUST_S3"
                                               : "GUST_RABBITMQ"));
  }
  return std::string(name);
}

std::string Backends::uri(std::string_view backend) const {
  const auto found = uris_.find(transport::backend_setting(backend));
  return found == uris_.end() ? std::string() : found->second;
}

void Backends::remove(const store::FlareRecord& flare) {
  if (flare.packs.size() < 2 || transport::backend_setting(flare.backend).empty()) return;
  const MutexLock lock(mutex_);
  left_.push_back({flare.backend, flare.run.str(), static_cast<std::uint32_t>(flare.packs.size())});
  news_.notify_all();
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Backends::run() {
  while (true) {
    Left left;
    {
      const MutexLock lock(mutex_);
      while (left_.empty() && !ending_) news_.wait(mutex_);
      if (left_.empty()) return;
      left = std::move(left_.front());
      left_.pop_front();
    }
    if (const auto removed = remove_now(left); !removed) {
      spdlog::warn("what flare {} left on the server of {} could not be removed: {}", left.flare_id, left.backend,
                   removed.error().message);
    }
  }
}

Result<void> Backends::remove_now(const Left& left) const {
  const transport::Backend* backend = GUST_TRY(transport::load_backend(left.backend, directory_));
  return backend->remove_flare({.uri = uri(left.backend), .flare_id = left.flare_id}, left.packs);
}

}  // namespace gust::controller
