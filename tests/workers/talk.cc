// Workers that talk, for the tests of packs: the "do" of each worker's params says how.
#include <bit>
#include <chrono>
#include <csignal>
#include <gust/worker.h>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace {

using gust::Json;

std::vector<std::vector<int>> row(gust::Burst& burst) {
  std::vector<std::vector<int>> parts(burst.burst_size());
  for (std::uint32_t to = 0; to < burst.burst_size(); ++to) {
    parts[to].assign(to % 3, static_cast<int>(burst.worker_id() * 1000 + to));
  }
  return parts;
}

Json everything(gust::Burst& burst) {
  const auto self = static_cast<int>(burst.worker_id());
  const std::uint32_t last = burst.burst_size() - 1;
  Json result;

  std::vector<double> values(1000, self);
  const double* address = values.data();
  burst.send(burst.worker_id(), std::move(values));
  result["same address"] = burst.recv<double>(burst.worker_id()).data() == address;

  std::vector<int> sizes;
  for (const auto& part : burst.all_to_all<int>(row(burst))) sizes.push_back(static_cast<int>(part.size()));
  result["all_to_all"] = sizes;
  result["broadcast"] = burst.broadcast<int>(last, self).front();
  result["sum"] = burst.all_reduce<int>(self, gust::Sum()).front();
  result["largest"] = burst.reduce<int>(last, std::vector<int>{self, -self}, gust::Max()).to_vector();
  // Associative and not commutative: the first of two numbers that are not 0.
  result["first"] = burst.all_reduce<int>(self == 0 ? 0 : self, [](int a, int b) { return a != 0 ? a : b; }).front();
  std::vector<int> gathered;
  for (const auto& part : burst.gather<int>(0, std::vector<int>(burst.worker_id() % 2, self))) {
    gathered.insert(gathered.end(), part.begin(), part.end());
  }
  result["gather"] = gathered;
  result["all_gather"] = burst.all_gather<int>(self).size();
  result["scatter"] = burst.scatter<int>(0, row(burst)).size();
  int* slots = burst.shared<int>("slots", burst.pack_size());
  slots[burst.worker_id() - burst.pack_leader()] = 1;
  burst.barrier();
  result["shared"] = std::accumulate(slots, slots + burst.pack_size(), 0);
  return result;
}

// Messages to the next worker and from the one before, in so many rounds; what came is checked.
Json rounds(gust::Burst& burst, std::uint32_t count) {
  const std::uint32_t size = burst.burst_size();
  const std::uint32_t next = (burst.worker_id() + 1) % size;
  const std::uint32_t previous = (burst.worker_id() + size - 1) % size;
  for (std::uint32_t round = 0; round < count; ++round) {
    burst.send(next, std::vector<std::uint32_t>{round, burst.worker_id()});
    const auto came = burst.recv<std::uint32_t>(previous).to_vector();
    if (came != std::vector<std::uint32_t>{round, previous}) throw std::runtime_error("not what was sent");
  }
  return count;
}

// Sums whose last bits tell the order of additions.
Json fractions(gust::Burst& burst) {
  const auto sums =
      burst.all_reduce<double>(std::vector<double>(1000, 1.0 / (3.0 + 7.0 * burst.worker_id())), gust::Sum());
  return {std::bit_cast<std::uint64_t>(sums.data()[0]), std::bit_cast<std::uint64_t>(sums.data()[999])};
}

Json work(const Json& params, gust::Burst& burst) {
  const auto what = params.at("do").get<std::string>();
  const std::uint32_t peer = params.value("peer", 0u);
  const gust::Limit limit(params.value("limit_us", std::int64_t{-1}));
  if (what == "everything") return everything(burst);
  if (what == "rounds") return rounds(burst, params.at("count").get<std::uint32_t>());
  if (what == "fractions") return fractions(burst);
  if (what == "receive") return burst.recv<int>(peer, limit).front();
  if (what == "receive from any") return burst.recv_any<int>(limit).from;
  if (what == "barrier") return burst.barrier(limit), "passed";
  if (what == "sum") return burst.all_reduce<int>(1, gust::Sum()).front();
  if (what == "send") return burst.send(peer, 1), "sent";
  if (what == "send to nobody") return burst.send(burst.burst_size(), 1), "sent";
  if (what == "fail") throw std::runtime_error("no such file");
  if (what == "crash when peer waits") {
    burst.recv<int>(peer);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // so that it does wait: the point of the test
    std::raise(SIGSEGV);
  }
  if (what == "return") return nullptr;
  if (what == "try") return burst.try_recv<int>(peer).has_value();
  throw std::runtime_error("params: do what?");
}

}  // namespace

GUST_WORKER(work)
