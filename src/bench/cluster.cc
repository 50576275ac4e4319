#include "bench/cluster.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <fmt/format.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/json.h"

namespace gust::bench {

Result<std::unique_ptr<Cluster>> Cluster::start(const ClusterShape& shape) {
  std::unique_ptr<Cluster> cluster(new Cluster);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  const UniqueFd ready(ends[0]);
  UniqueFd write_end(ends[1]);
  const std::string key = "bench:" + random_hex_id();
  Children::Command command;
  command.name = "gust up";
  command.keep_fd = write_end.get();
  command.arguments = {"up",
                       "--listen",
                       "127.0.0.1:0",
                       "--invokers",
                       std::to_string(shape.invokers),
                       "--slots",
                       std::to_string(shape.slots),
                       "--driver",
                       shape.driver,
                       "--pack-start",
                       shape.pack_start,
                       "--prewarm",
                       std::to_string(shape.prewarm),
                       "--ready-fd",
                       std::to_string(write_end.get())};
  if (shape.memory != Bytes()) {
    command.arguments.insert(command.arguments.end(), {"--memory", std::to_string(shape.memory.count())});
  }
  command.environment = shape.environment;
  command.environment.push_back("GUST_API_KEY=" + key);
  GUST_TRY_VOID(cluster->children_.spawn(command));
  write_end.reset();
  const std::string word = GUST_TRY(read_to_end(ready.get(), "gust up's first word"));
  if (word.empty()) return std::unexpected(cluster->why_it_did_not_start());
  const Json told = GUST_TRY(parse_json(word, "gust up's first word"));
  cluster->target_.endpoint = GUST_TRY(http::parse_endpoint(told.at("endpoint").get<std::string>()));
  cluster->target_.options.authorization = key;
  cluster->target_.options.trusted_chain_pem = GUST_TRY(read_whole_file(told.at("certificate").get<std::string>()));
  return cluster;
}

// By its exit code. It has closed the descriptor that tells of its start, so its end is near.
Error Cluster::why_it_did_not_start() {
  constexpr int kExitDenied = 4;  // cli/exit_code.h, which stands below this module
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const SteadyTime deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  ErrorCode code = ErrorCode::kUnavailable;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto ended = children_.reap()) {
      if (WIFEXITED(ended->wait_status) && WEXITSTATUS(ended->wait_status) == kExitDenied) code = ErrorCode::kDenied;
      break;
    }
    const timespec pause{.tv_sec = 0, .tv_nsec = 5'000'000};
    ::sigtimedwait(&child, nullptr, &pause);
  }
  return {code, "the cluster for this experiment did not start"};
}

Cluster::~Cluster() { children_.stop(std::chrono::seconds(10)); }

}  // namespace gust::bench
