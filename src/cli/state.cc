#include "cli/state.h"

namespace gust::cli {

namespace {

constexpr Bytes kInMemory = Bytes::mb(512);
constexpr Bytes kInFolder = Bytes::mb(4096);

store::Retention retention_of(const Config& config) {
  const Bytes otherwise = config.state.empty() ? kInMemory : kInFolder;
  return {.byte_limit = config.retain_bytes == Bytes() ? otherwise : config.retain_bytes,
          .flare_limit = config.retain_flares,
          .age_limit = config.retain_age};
}

}  // namespace

Result<State> State::open(const Config& config) {
  const store::Retention retention = retention_of(config);
  if (config.state.empty()) return State(std::make_unique<store::MemoryStores>(retention));
  return State(GUST_TRY(store::SqliteStores::open(config.state, {.retention = retention})));
}

store::Stores State::stores() {
  return std::visit([](const auto& stores) { return stores->all(); }, stores_);
}

std::string describe_state(const Config& config) {
  return config.state.empty() ? "in memory, until the controller ends" : "in " + config.state.string();
}

}  // namespace gust::cli
