// A cluster of our own for one experiment: `gust up` as a child, gone when this object goes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/children.h"
#include "base/result.h"
#include "http/client.h"

namespace gust::bench {

/// How to reach a cluster, ours or another.
struct Target {
  http::Endpoint endpoint;
  http::ClientOptions options;
};

struct ClusterShape {
  std::uint32_t invokers = 20;
  std::uint32_t slots = 48;  ///< of each invoker
  Bytes memory;              ///< of each invoker; 0: as gust up decides
  std::string driver = "sandbox";
  std::string pack_start = "fork";       ///< as the setting of this name
  std::uint32_t prewarm = 0;             ///< containers that each invoker keeps ready
  std::vector<std::string> environment;  ///< further settings of it: NAME=value
};

class Cluster {
 public:
  /// Starts it and waits until all invokers have joined. Blocks. To be called before other threads exist. kDenied when
  /// the driver's containers are not permitted here, kUnavailable otherwise; standard error has the reason.
  static Result<std::unique_ptr<Cluster>> start(const ClusterShape& shape);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  [[nodiscard]] const Target& target() const { return target_; }

 private:
  Cluster() = default;
  Error why_it_did_not_start();

  Children children_;
  Target target_;
};

}  // namespace gust::bench
