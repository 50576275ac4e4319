#include "bench/cluster.h"

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

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
  if (word.empty()) return fail(ErrorCode::kUnavailable, "the cluster for this experiment did not start");
  const Json told = GUST_TRY(parse_json(word, "gust up's first word"));
  cluster->target_.endpoint = GUST_TRY(http::parse_endpoint(told.at("endpoint").get<std::string>()));
  cluster->target_.options.authorization = key;
  cluster->target_.options.trusted_chain_pem = GUST_TRY(read_whole_file(told.at("certificate").get<std::string>()));
  return cluster;
}

Cluster::~Cluster() { children_.stop(std::chrono::seconds(10)); }

}  // namespace gust::bench
