// A whole flare in one process: its packs' hubs, its workers as threads.
#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "message/collectives.h"
#include "message/hub.h"
#include "transport/backend.h"

namespace gust::transport::testing {

inline constexpr std::size_t kSmallChunk = 4096;

/// Ties packs together; one for each flare.
class Network {
 public:
  virtual ~Network() = default;
  virtual message::TransportFactory factory(const message::Layout& layout) = 0;
  /// The workers have ended; transports go from now on.
  virtual void before_end() {}
};

/// One of the transports that must pass the tests.
struct Implementation {
  const char* name;
  std::unique_ptr<Network> (*make)(std::uint32_t packs);
  /// Of a transport that goes by way of a server: why there is none, or nothing. Starts it.
  std::string (*missing)() = nullptr;
  bool few_cases = false;  ///< a step takes milliseconds, or another implementation is the same code: fewer will do
};

/// What a worker of a test gets.
struct Worker {
  WorkerId id;
  std::uint32_t burst_size;
  message::Hub& hub;
  message::Collectives& collectives;
  SteadyTime deadline;
};

class Flare {
 public:
  /// `packing` is the size of each pack, in order.
  Flare(const Implementation& implementation, const std::vector<std::uint32_t>& packing,
        message::HubOptions options = {});
  ~Flare();

  /// Runs `work` on a thread for each worker and ends the packs. Once.
  void run(const std::function<void(Worker&)>& work);
  [[nodiscard]] message::Hub& hub(std::uint32_t pack) { return packs_[pack]->hub; }
  /// Of all packs; after run().
  [[nodiscard]] message::Traffic traffic() const { return traffic_; }

 private:
  struct Pack {
    Pack(message::Layout layout, const message::HubOptions& options, message::TransportFactory factory)
        : hub(std::move(layout), options, std::move(factory)), collectives(hub) {}
    message::Hub hub;
    message::Collectives collectives;
  };

  std::uint32_t burst_size_ = 0;
  std::unique_ptr<Network> network_;
  std::vector<std::unique_ptr<Pack>> packs_;
  message::Traffic traffic_;
};

/// All workers in packs of at most `granularity`.
std::vector<std::uint32_t> packs_of(std::uint32_t workers, std::uint32_t granularity);

/// Bytes that say where they belong.
message::Buffer pattern(std::size_t size, std::uint32_t seed);
::testing::AssertionResult is_pattern(const message::Buffer& data, std::size_t size, std::uint32_t seed);

/// Packs that meet on the server at `uri`. Removes what the flare leaves there; that this works is checked.
std::unique_ptr<Network> via_server(const char* backend, std::string uri, std::uint32_t packs, std::size_t chunk_bytes);

/// All transports; those over servers expect chunks of at most kSmallChunk.
std::vector<Implementation> implementations();

}  // namespace gust::transport::testing
