#include "invoker/pack_environment.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/runtimes.h"

namespace gust::invoker {

std::vector<std::string> pack_environment(const protocol::StartPacks& flare, const protocol::PackStart& pack,
                                          InvokerId invoker, const std::string& api_host) {
  const std::string& python = flare.python();
  std::vector<std::string> environment = {
      fmt::format("PATH={}{}/usr/local/bin:/usr/bin:/bin", python, python.empty() ? "" : "/bin:"),
      "LANG=C.UTF-8",
      "HOME=/tmp",
      "TMPDIR=/tmp",
      fmt::format("GUST_FLARE_ID={}", flare.flare_id()),
      fmt::format("GUST_PACK_ID={}", pack.pack_id()),
      fmt::format("GUST_INVOKER_ID={}", invoker.value()),
      fmt::format("GUST_BURST_SIZE={}", flare.burst_size()),
      // OpenWhisk's own.
      fmt::format("__OW_NAMESPACE={}", flare.namespace_name()),
      fmt::format("__OW_ACTION_NAME={}", flare.action_name()),
      fmt::format("__OW_ACTION_VERSION={}", flare.action_version()),
      fmt::format("__OW_ACTIVATION_ID={}", pack.activation_id()),
      fmt::format("__OW_DEADLINE={}", flare.deadline_us() / 1000),
  };
  // gust-pack runs this one or none; by PATH it would take another where this is missing.
  if (!python.empty()) environment.push_back(fmt::format("GUST_PYTHON={}", python));
  // As its words stand apart for gust-pack. The image's own the driver adds.
  if (const std::string& server = flare.server(); !server.empty() && server != kOwnServer) {
    std::string words = server;
    std::ranges::replace(words, ' ', '\x1f');
    environment.push_back(fmt::format("GUST_SERVER={}", words));
  }
  if (!api_host.empty()) environment.push_back(fmt::format("__OW_API_HOST={}", api_host));
  return environment;
}

}  // namespace gust::invoker
