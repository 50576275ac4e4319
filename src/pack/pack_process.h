// For tests: starts the real gust-pack as an invoker does, and collects everything that it says until it is gone.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/fd.h"
#include "base/testing/test_folder.h"
#include "protocol/pack_frames.h"

namespace gust::pack {

/// What a pack has said and how it ended.
struct PackStory {
  std::optional<protocol::LoadedMessage> loaded;
  std::vector<protocol::WorkerStart> started;
  std::vector<protocol::WorkerFinish> finished;
  std::optional<protocol::CrashedMessage> crashed;
  std::optional<protocol::ExitedMessage> exited;
  std::optional<std::string> load_failed;
  std::optional<std::string> peer_address;
  std::optional<protocol::TrafficMessage> traffic;
  std::size_t started_messages = 0;
  std::size_t finished_messages = 0;
  int wait_status = -1;
  std::string output;  ///< standard output and error

  /// The result of a worker, failing the test when there is not exactly one.
  [[nodiscard]] protocol::WorkerFinish result_of(std::uint32_t worker) const;
};

/// A flare of one pack, with these params, one for each worker; `object` is one of tests/workers.
protocol::StartMessage start_message(const std::string& object, const std::vector<std::string>& params);

class PackProcess {
 public:
  PackProcess(const PackProcess&) = delete;
  PackProcess& operator=(const PackProcess&) = delete;
  /// With these arguments; `socket` gives it a socket as descriptor 3, nothing otherwise.
  enum class Socket { kGiven, kMissing };
  explicit PackProcess(Socket socket, const std::vector<std::string>& arguments = {});
  ~PackProcess();

  void send(const protocol::StartMessage& start) const;
  /// Reads until all workers have started, or the pack is gone.
  void wait_for_starts(std::size_t workers);
  /// Reads to the end of the stream and waits for the process.
  PackStory finish();
  void close_socket() { socket_.reset(); }
  [[nodiscard]] int socket() const { return socket_.get(); }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  bool read_one();
  /// Waits for the pack, once its socket is closed, and ends whatever it has left.
  void end_group();

  TestFolder directory_;
  UniqueFd socket_;
  UniqueFd output_;
  pid_t pid_ = -1;
  PackStory story_;
  protocol::MessageReader reader_{protocol::kMaxPackMessageBytes};
};

/// Starts a pack with this message and lets it run to its end.
PackStory run_to_end(const protocol::StartMessage& start);

}  // namespace gust::pack
