// Workers that talk, for the tests of packs: the "do" of each worker's params says how.
#include <algorithm>
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

// Everything at once: started together, waited for in another order.
Json started(gust::Burst& burst) {
  const auto self = static_cast<int>(burst.worker_id());
  const std::uint32_t last = burst.burst_size() - 1;
  const std::uint32_t next = (burst.worker_id() + 1) % burst.burst_size();
  const std::uint32_t previous = (burst.worker_id() + last) % burst.burst_size();
  Json result;

  auto first = burst.start_recv<int>(previous);
  auto second = burst.start_recv_any<int>();
  auto barrier = burst.start_barrier();
  auto table = burst.start_all_to_all<int>(row(burst));
  auto from_last = burst.start_broadcast<int>(last, self);
  auto sum = burst.start_all_reduce<int>(self, gust::Sum());
  auto largest = burst.start_reduce<int>(
      last, std::vector<int>{self, -self},
      [largest = std::vector<int>(1)](int a, int b) { return std::max({a, b, largest.front()}); });
  auto parts = burst.start_gather<int>(0, std::vector<int>(burst.worker_id() % 2, self));
  auto all = burst.start_all_gather<int>(self);
  auto mine = burst.start_scatter<int>(0, row(burst));
  burst.start_send(next, 1);  // nobody waits for it
  auto sent = burst.start_send(next, std::vector<int>{2});
  burst.send(next, 3);
  result["third"] = burst.recv<int>(previous).front();
  result["second"] = second.wait().values.front();
  result["first"] = first.wait().front();
  result["waited for"] = !first.valid() && sum.valid();
  result["in between"] = burst.all_reduce<int>(1, gust::Sum()).front();  // in the blocking form, after all of those

  result["scatter"] = mine.wait().size();
  result["all_gather"] = all.wait().size();
  result["gather"] = parts.wait().size();
  result["largest"] = largest.wait().to_vector();
  result["sum"] = sum.wait().front();
  result["broadcast"] = from_last.wait().front();
  std::vector<std::size_t> sizes;
  for (const auto& part : table.wait()) sizes.push_back(part.size());
  result["all_to_all"] = sizes;
  barrier.wait();
  sent.wait();
  try {
    first.wait();
  } catch (const gust::CommunicationError& error) {
    result["again"] = error.what();
  }
  return result;
}

// What happens to those that nobody waits for. Worker 0 is the root, and has ended when the others get to it.
Json dropped(gust::Burst& burst) {
  if (burst.worker_id() == 0) {
    burst.start_broadcast<int>(0, 42);
    for (std::uint32_t to = 1; to < burst.burst_size(); ++to) burst.start_send(to, std::vector<int>(100'000, 1));
    return "ended";
  }
  {
    auto withdrawn = burst.start_recv<int>(0);
  }
  const std::size_t received = burst.recv<int>(0).size();
  return {received, burst.broadcast<int>(0).front()};
}

// Waits for a moment, and then to the end.
Json patient(gust::Burst& burst, std::uint32_t peer) {
  if (burst.worker_id() != 0) {
    burst.send(peer, burst.recv<int>(peer));
    burst.start_barrier().wait();
    return nullptr;
  }
  auto pending = burst.start_recv<int>(peer);
  auto together = burst.start_barrier();
  Json said = {pending.ready(), together.ready()};
  for (const int what : {0, 1}) {
    try {
      what == 0 ? static_cast<void>(pending.wait(gust::Limit(0))) : together.wait(gust::Limit(0));
    } catch (const gust::TimedOut& error) {
      said.push_back(error.what());
    }
  }
  burst.send(peer, 7);
  said.push_back(pending.wait().front());
  together.wait();
  return said;
}

// One operation, for its traffic.
Json one(gust::Burst& burst, const Json& params) {
  using Bytes = std::vector<char>;
  const auto what = params.at("operation").get<std::string>();
  const std::uint32_t root = params.value("root", 0u);
  const Bytes mine(params.value("bytes", std::size_t{0}), 'x');
  const std::vector<Bytes> parts(burst.burst_size(), mine);
  const auto keep = [](char a, char) { return a; };
  if (what == "barrier") burst.barrier();
  if (what == "broadcast") return burst.broadcast<char>(root, mine).size();
  if (what == "reduce") return burst.reduce<char>(root, mine, keep).size();
  if (what == "all_reduce") return burst.all_reduce<char>(mine, keep).size();
  if (what == "gather") return burst.gather<char>(root, mine).size();
  if (what == "all_gather") return burst.all_gather<char>(mine).size();
  if (what == "scatter")
    return burst.scatter<char>(root, burst.worker_id() == root ? parts : std::vector<Bytes>()).size();
  if (what == "all_to_all") return burst.all_to_all<char>(parts).size();
  if (what == "ring") {
    burst.start_send((burst.worker_id() + 1) % burst.burst_size(), mine);
    return burst.recv_any<char>().values.size();
  }
  return nullptr;
}

// Memory that the pack's workers share: every key its own, any size, and the first size counts.
Json shared(gust::Burst& burst) {
  int* counts = burst.shared<int>("counts", 100);
  Json result;
  result["zero at first"] = counts[99] == 0;
  result["the same"] = burst.shared<int>("counts", 100) == counts;
  result["another key"] = burst.shared<int>(std::string_view("counts\0", 7), 100) != counts;
  result["nothing"] = burst.shared<int>("", 0) != nullptr;
  result["aligned"] = reinterpret_cast<std::uintptr_t>(burst.shared<char>("a", 1)) % 64 == 0;
  const std::uint32_t place = burst.worker_id() - burst.pack_leader();
  burst.shared<std::uint32_t>("places", burst.pack_size())[place] = burst.worker_id();
  burst.barrier();
  const std::uint32_t* places = burst.shared<std::uint32_t>("places", burst.pack_size());
  result["places"] = std::vector<std::uint32_t>(places, places + burst.pack_size());
  try {
    burst.shared<int>("counts", 101);
  } catch (const gust::CommunicationError& error) {
    result["another size"] = error.what();
  }
  try {
    burst.shared<char>("too much", std::size_t{1} << 62);
  } catch (const gust::CommunicationError& error) {
    result["too much"] = error.what();
  }
  return result;
}

// Messages to the next worker and from the one before, in so many rounds; what came is checked.
Json rounds(gust::Burst& burst, std::uint32_t count, std::chrono::milliseconds pause) {
  const std::uint32_t size = burst.burst_size();
  const std::uint32_t next = (burst.worker_id() + 1) % size;
  const std::uint32_t previous = (burst.worker_id() + size - 1) % size;
  for (std::uint32_t round = 0; round < count; ++round) {
    burst.send(next, std::vector<std::uint32_t>{round, burst.worker_id()});
    const auto came = burst.recv<std::uint32_t>(previous).to_vector();
    if (came != std::vector<std::uint32_t>{round, previous}) throw std::runtime_error("not what was sent");
    std::this_thread::sleep_for(pause);
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
  if (what == "started") return started(burst);
  if (what == "dropped") return dropped(burst);
  if (what == "patient") return patient(burst, peer);
  if (what == "one") return one(burst, params);
  if (what == "shared") return shared(burst);
  if (what == "crash in an operator") {
    return burst.start_all_reduce<int>(1, [](int, int) { return std::raise(SIGSEGV); }).wait().front();
  }
  if (what == "start and fail") {
    burst.start_barrier();
    burst.start_send(peer, 1);
    throw std::runtime_error("no such file");
  }
  if (what == "barrier later") return burst.start_barrier(limit).wait(), "passed";
  if (what == "rounds") {
    return rounds(burst, params.at("count").get<std::uint32_t>(),
                  std::chrono::milliseconds(params.value("pause_ms", 0)));
  }
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
