// What every transport must do for messages, over burst sizes, packings and payloads.
#include <cstring>
#include <functional>
#include <map>
#include <numeric>
#include <optional>

#include "transport/testing/flare.h"

namespace gust::transport::testing {
namespace {

using message::Buffer;
using message::HubOptions;
using message::Piece;

constexpr std::size_t kChunk = kSmallChunk;

// All payloads are tried in one flare, one after the other: making its threads and connections takes longer than most
// of what they are made for, and what a flare has left over from one payload would disturb the next one.
struct Case {
  Implementation implementation;
  std::vector<std::uint32_t> packing;
  std::vector<std::size_t> payloads;
};

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  const std::uint32_t workers = std::reduce(info.param.packing.begin(), info.param.packing.end());
  return std::string(info.param.implementation.name) + "_" + std::to_string(workers) + "_workers_in_" +
         std::to_string(info.param.packing.size()) + "_packs_of_" + std::to_string(info.param.packing.front()) + "_" +
         std::to_string(info.index);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Implementation& implementation : implementations()) {
    for (const std::uint32_t workers : {1, 2, 3, 5, 8, 16, 48}) {
      std::vector<std::vector<std::uint32_t>> packings = {{workers}};
      if (workers > 1) packings.push_back(packs_of(workers, workers > 16 ? 6 : 1));
      if (workers > 2) packings.push_back(packs_of(workers, (workers + 1) / 2));
      if (workers > 4) packings.push_back({1, workers - 3, 2});
      std::vector<std::size_t> payloads = {0, 1, kChunk - 1, kChunk, kChunk + 1, 5 * kChunk + 3};
      if (implementation.missing != nullptr) {
        // What differs from the others is what is between packs; a server's time is better spent on that.
        if (workers > 1) packings.erase(packings.begin());
        payloads = {0, 5 * kChunk + 3};
      }
      if (implementation.few_cases) {
        packings = {workers <= 5 ? packings.front() : packings.back()};
        payloads = {workers % 2 == 0 ? 0 : 5 * kChunk + 3};
      }
      for (const auto& packing : packings) all.push_back({implementation, packing, payloads});
    }
  }
  return all;
}

template <class Value>
Value must(Result<Value> result) {
  EXPECT_TRUE(result) << result.error().message;
  return result ? std::move(*result) : Value();
}
void must(const Result<void>& result) { EXPECT_TRUE(result) << result.error().message; }

void add_doubles(void* /*context*/, void* into, const void* from, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    double a = 0;
    double b = 0;
    std::memcpy(&a, static_cast<std::byte*>(into) + i * sizeof a, sizeof a);
    std::memcpy(&b, static_cast<const std::byte*>(from) + i * sizeof b, sizeof b);
    a += b;
    std::memcpy(static_cast<std::byte*>(into) + i * sizeof a, &a, sizeof a);
  }
}

class Conformance : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const Implementation& implementation = GetParam().implementation;
    const std::string missing = implementation.missing == nullptr ? "" : implementation.missing();
    if (!missing.empty()) GTEST_SKIP() << missing;
    flare_.emplace(implementation, GetParam().packing, HubOptions{.chunk_bytes = kChunk});
  }

  /// Each worker does it once for each payload.
  void run(const std::function<void(Worker&, std::size_t payload)>& work) {
    flare_->run([&](Worker& self) {
      const auto patience = self.deadline - std::chrono::steady_clock::now();
      for (const std::size_t payload : GetParam().payloads) {
        self.deadline = std::chrono::steady_clock::now() + patience;
        SCOPED_TRACE(std::to_string(payload) + " bytes");
        work(self, payload);
      }
    });
  }

  std::optional<Flare> flare_;
};

TEST_P(Conformance, EveryPairKeepsItsOrder) {
  run([](Worker& self, std::size_t payload) {
    for (std::uint32_t round = 0; round < 3; ++round) {
      for (std::uint32_t i = 0; i < self.burst_size; ++i) {
        const WorkerId to((self.id.value() + i) % self.burst_size);
        must(self.hub.send(self.id, to, pattern(payload, self.id.value() + 100 * round), self.deadline));
      }
    }
    for (std::uint32_t round = 0; round < 3; ++round) {
      for (std::uint32_t from = 0; from < self.burst_size; ++from) {
        const auto received = must(self.hub.recv(self.id, WorkerId(from), self.deadline));
        EXPECT_EQ(received.from.value(), from);
        EXPECT_TRUE(is_pattern(received.data, payload, from + 100 * round));
      }
    }
  });
}

TEST_P(Conformance, AnyTakesFromAll) {
  run([](Worker& self, std::size_t payload) {
    if (self.id.value() != 0) {
      must(self.hub.send(self.id, WorkerId(0), pattern(payload, self.id.value()), self.deadline));
    }
    std::vector<bool> seen(self.burst_size);
    for (std::uint32_t i = 1; self.id.value() == 0 && i < self.burst_size; ++i) {
      const auto received = must(self.hub.recv(self.id, std::nullopt, self.deadline));
      EXPECT_FALSE(seen[received.from.value()]);
      seen[received.from.value()] = true;
      EXPECT_TRUE(is_pattern(received.data, payload, received.from.value()));
    }
    must(self.collectives.barrier(self.id, self.deadline));  // those of the next payload are not to be among them
  });
}

TEST_P(Conformance, StartedCallsTakeTheirTurnAndAreOverInAnyOrder) {
  run([](Worker& self, std::size_t payload) {
    const std::uint32_t workers = self.burst_size;
    const std::uint32_t id = self.id.value();
    std::vector<std::shared_ptr<message::StartedReceive>> receives;
    for (std::uint32_t i = 0; i < 2 * workers; ++i) {
      receives.push_back(must(self.hub.start_recv(self.id, WorkerId(i % workers))));
    }
    const auto barrier = must(self.collectives.begin_barrier(self.id));
    std::vector<std::shared_ptr<message::StartedSend>> sends;
    for (std::uint32_t i = 0; i < 2 * workers; ++i) {
      const Buffer data = pattern(payload, id + 100 * (i / workers));
      sends.push_back(must(self.hub.start_send(self.id, WorkerId((id + i) % workers), data, self.deadline)));
    }
    for (std::uint32_t to = 0; to < workers; ++to) {
      must(self.hub.send(self.id, WorkerId(to), pattern(payload, id + 200), self.deadline));
    }
    for (std::uint32_t from = 0; from < workers; ++from) {
      const auto received = must(self.hub.recv(self.id, WorkerId(from), self.deadline));
      EXPECT_TRUE(is_pattern(received.data, payload, from + 200)) << "those that were started have had their turn";
    }
    for (std::uint32_t i = 2 * workers; i-- > 0;) {
      const auto received = must(self.hub.wait(*receives[i], self.deadline));
      EXPECT_EQ(received.from.value(), i % workers);
      EXPECT_TRUE(is_pattern(received.data, payload, i % workers + 100 * (i / workers)));
    }
    for (const auto& send : sends) must(self.hub.wait(*send, self.deadline));
    must(barrier.finish(self.deadline));
  });
}

TEST_P(Conformance, CollectivesOfAllKindsInARow) {
  run([](Worker& self, std::size_t payload) {
    const std::uint32_t workers = self.burst_size;
    const std::uint32_t id = self.id.value();
    for (const std::uint32_t root : {0u, workers - 1, workers / 2}) {
      const WorkerId root_id(root);
      const Buffer sent = id == root ? pattern(payload, root) : Buffer();
      EXPECT_TRUE(is_pattern(must(self.collectives.broadcast(self.id, root_id, sent, self.deadline)), payload, root));

      const auto gathered = must(self.collectives.gather(self.id, root_id, pattern(payload + id, id), self.deadline));
      ASSERT_EQ(gathered.size(), id == root ? workers : 0);
      for (std::uint32_t from = 0; from < gathered.size(); ++from) {
        EXPECT_TRUE(is_pattern(gathered[from], payload + from, from));
      }

      std::vector<Buffer> parts;
      for (std::uint32_t to = 0; id == root && to < workers; ++to) parts.push_back(pattern(to % 2 * payload, to));
      EXPECT_TRUE(
          is_pattern(must(self.collectives.scatter(self.id, root_id, parts, self.deadline)), id % 2 * payload, id));
    }
    const auto all = must(self.collectives.gather(self.id, std::nullopt, pattern(payload, id), self.deadline));
    ASSERT_EQ(all.size(), workers);
    for (std::uint32_t from = 0; from < workers; ++from) EXPECT_TRUE(is_pattern(all[from], payload, from));

    std::vector<Buffer> row;
    for (std::uint32_t to = 0; to < workers; ++to) row.push_back(pattern((id + to) % 3 * payload, id * 64 + to));
    const auto column = must(self.collectives.all_to_all(self.id, row, self.deadline));
    ASSERT_EQ(column.size(), workers);
    for (std::uint32_t from = 0; from < workers; ++from) {
      EXPECT_TRUE(is_pattern(column[from], (from + id) % 3 * payload, from * 64 + id));
    }
    must(self.collectives.barrier(self.id, self.deadline));
  });
}

TEST_P(Conformance, ReductionsKeepTheOrderOfWorkers) {
  const auto element = [](std::uint32_t worker, std::size_t i) { return 1.0 / (3.0 + worker * 7.0 + double(i)); };
  const std::uint32_t workers = std::reduce(GetParam().packing.begin(), GetParam().packing.end());
  std::map<std::size_t, std::vector<double>> sums;
  for (const std::size_t payload : GetParam().payloads) {
    std::vector<double>& expected = sums[payload];
    expected.resize(payload / sizeof(double) + 1);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] = element(0, i);
      for (std::uint32_t worker = 1; worker < workers; ++worker) expected[i] += element(worker, i);
    }
  }
  run([&](Worker& self, std::size_t payload) {
    const std::vector<double>& expected = sums.at(payload);
    const auto is_expected = [&](const Buffer& result) {
      return result.size() == expected.size() * sizeof(double) &&
             std::memcmp(result.bytes().data(), expected.data(), result.size()) == 0;
    };
    std::vector<double> mine(expected.size());
    for (std::size_t i = 0; i < mine.size(); ++i) mine[i] = element(self.id.value(), i);
    const Piece data = std::as_bytes(std::span(mine));
    const message::Reduction sum{.element_bytes = sizeof(double), .combine = add_doubles};
    for (const std::uint32_t root : {0u, self.burst_size - 1}) {
      const Buffer result = must(self.collectives.reduce(self.id, WorkerId(root), data, sum, self.deadline));
      EXPECT_EQ(static_cast<bool>(result), self.id.value() == root);
      EXPECT_TRUE(!result || is_expected(result));
    }
    EXPECT_TRUE(is_expected(must(self.collectives.reduce(self.id, std::nullopt, data, sum, self.deadline))));
  });
}

INSTANTIATE_TEST_SUITE_P(All, Conformance, ::testing::ValuesIn(cases()), case_name);

}  // namespace
}  // namespace gust::transport::testing
