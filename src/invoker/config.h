// What an invoker is told by whoever starts it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gust::invoker {

struct InvokerConfig {
  std::string controller;               ///< "unix:/path" or "host:port"
  std::string name;                     ///< unique in the cluster; shown to people
  std::string join_token;               ///< what the controller asks for; over a network it means TLS; empty for none
  std::filesystem::path identity_file;  ///< in which the certificate is kept; empty: it is not
  std::uint32_t slots = 0;              ///< workers at once; 0: what detect_slots() finds
  Bytes memory;                         ///< for packs together; 0: what detect_memory() finds
  Bytes code_cache;                     ///< of packages that are kept; 0: of all
  std::filesystem::path state_dir;      ///< for code; one for each invoker, on a file system that permits execution
  std::string peer_host;  ///< numeric address under which packs elsewhere reach this host's; empty: detected
  std::string api_host;   ///< of the controller's REST API, told to workers; empty when not known
  /// How long to look for a controller that is not there, or no longer there; 0: not at all.
  std::chrono::milliseconds controller_grace{10'000};
  /// The same for the controller that it looks for first, which may be starting just now; controller_grace if not set.
  std::optional<std::chrono::milliseconds> start_patience;
  /// How long packs may go on after SIGTERM, while nothing new is taken; 0: not at all. A second signal ends it at
  /// once.
  std::chrono::milliseconds drain_time{0};
  /// How long news of packs wait for more news; up to four times as long while they keep coming. The controller's work
  /// for a flare shrinks with it; what somebody waits for (all ended, a failure) does not wait.
  std::chrono::milliseconds report_delay{100};
  /// Takes lines for the operator; on the thread that runs the invoker.
  std::function<void(std::string_view)> say = [](std::string_view) {};
};

}  // namespace gust::invoker
