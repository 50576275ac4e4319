// A client's calls, as the experiment makes them, and the records of the workers that they started.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "bench/cluster.h"
#include "http/client.h"
#include "stats/record.h"

namespace gust::bench {

/// The controller's side of a measurement, over one kept connection that is not the measured one.
class Observer {
 public:
  static Result<Observer> create(const Target& target);

  /// GET and PUT below /api/v1. Any status but 2xx is an error with the server's sentence.
  Result<Json> get(const std::string& path, std::map<std::string, std::string, std::less<>> query = {});
  Result<void> put(const std::string& path, std::string body);

  /// CPU time that the controller's process has used so far.
  Result<std::chrono::microseconds> controller_cpu();
  /// Waits for a flare's end, and gives all that is known of it, results included.
  Result<Json> wait_for(const std::string& flare_id);

 private:
  explicit Observer(std::unique_ptr<http::Client> client) : client_(std::move(client)) {}
  Result<Json> send(http::Request request);
  std::unique_ptr<http::Client> client_;
};

struct Job {
  std::string action;
  std::uint32_t workers = 960;
  std::string params;                                     ///< JSON of each worker
  Bytes code_size;                                        ///< for the records
  std::map<std::string, std::string, std::less<>> query;  ///< of a flare, beside burst and granularity
};

/// What a job gave: the flares' JSON as the API shows them, one for a burst and one a worker for FaaS, and the records
/// made of them, in the order of flares and workers.
struct Outcome {
  std::vector<Json> flares;
  std::vector<stats::Record> records;
  std::chrono::microseconds controller_cpu{0};  ///< from before the call until all flares had ended
  std::chrono::microseconds watched{0};         ///< the time in which it was used
};

/// Stores a compiled worker as a private action; gives its size. kInvalid when the file cannot be read.
Result<Bytes> deploy(Observer& observer, const std::string& action, const std::string& object, Bytes memory,
                     std::chrono::milliseconds timeout);

/// One flare, over a new connection, handshake included.
Result<Outcome> run_burst(const Target& target, Observer& observer, const Job& job, std::uint32_t granularity);

/// One invocation a worker, each over a new TLS connection, `outstanding` of them at a time: as Lithops does.
Result<Outcome> run_faas(const Target& target, Observer& observer, const Job& job, std::uint32_t outstanding);

}  // namespace gust::bench
