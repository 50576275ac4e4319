// A cluster without machines: the controller's scheduler, flares that arrive and end, and a clock that jumps.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/journal.h"
#include "simulation/arrivals.h"
#include "stats/quantiles.h"

namespace gust::simulation {

struct Cluster {
  std::uint32_t invokers = 20;
  std::uint32_t slots = 48;  ///< of each
  Bytes memory;              ///< of each
};

struct NamespaceReport {
  std::size_t flares = 0;  ///< that started
  double slot_seconds = 0;
  double mean_wait = 0;     ///< seconds
  double mean_stretch = 0;  ///< from arrival to end, as a multiple of the runtime (of 1 s, if that is less)
};

struct Report {
  std::size_t flares = 0;
  std::size_t started = 0;
  std::size_t waited = 0;    ///< started later than they arrived
  std::size_t overtook = 0;  ///< started before one of their namespace that came earlier, with as much priority
  std::map<std::string, std::size_t> refused;  ///< by the name of the error's code
  std::size_t longest_queue = 0;
  double span = 0;         ///< seconds from the first arrival to the last end
  double utilisation = 0;  ///< part of all slots that was held over that time
  stats::Summary wait;     ///< seconds, of those that started
  std::map<std::string, NamespaceReport> namespaces;
  /// Jain's index over the namespaces' mean stretch: 1 when all wait alike, 1 / their number when one does all of the
  /// waiting.
  double jain = 1;
};

/// Runs the trace to its end. `sink` gets the journal's lines; it may be empty.
/// kInvalid: the invokers are not possible.
Result<Report> simulate(const Cluster& cluster, const scheduler::Policy& policy, const std::vector<Arrival>& arrivals,
                        scheduler::Journal::Sink sink = {});

/// (sum x)^2 / (n * sum x^2); 1 for none.
double jain_index(const std::vector<double>& values);

}  // namespace gust::simulation
