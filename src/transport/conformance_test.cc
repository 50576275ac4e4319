// What every transport must do for messages, over burst sizes, packings and payloads.
#include <cstring>
#include <numeric>
#include <optional>

#include "transport/testing/flare.h"

namespace gust::transport::testing {
namespace {

using message::Buffer;
using message::HubOptions;
using message::Piece;

constexpr std::size_t kChunk = kSmallChunk;

struct Case {
  Implementation implementation;
  std::vector<std::uint32_t> packing;
  std::size_t payload;
};

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  const std::uint32_t workers = std::reduce(info.param.packing.begin(), info.param.packing.end());
  return std::string(info.param.implementation.name) + "_" + std::to_string(workers) + "_workers_in_" +
         std::to_string(info.param.packing.size()) + "_packs_of_" + std::to_string(info.param.packing.front()) + "_" +
         std::to_string(info.param.payload) + "_bytes_" + std::to_string(info.index);
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
      if (implementation.takes_long) {
        packings = {workers <= 5 ? packings.front() : packings.back()};
        payloads = {workers % 2 == 0 ? 0 : 5 * kChunk + 3};
      }
      for (const auto& packing : packings) {
        for (const std::size_t payload : payloads) all.push_back({implementation, packing, payload});
      }
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

  std::optional<Flare> flare_;
  std::size_t payload_ = GetParam().payload;
};

TEST_P(Conformance, EveryPairKeepsItsOrder) {
  flare_->run([this](Worker& self) {
    for (std::uint32_t round = 0; round < 3; ++round) {
      for (std::uint32_t i = 0; i < self.burst_size; ++i) {
        const WorkerId to((self.id.value() + i) % self.burst_size);
        must(self.hub.send(self.id, to, pattern(payload_, self.id.value() + 100 * round), self.deadline));
      }
    }
    for (std::uint32_t round = 0; round < 3; ++round) {
      for (std::uint32_t from = 0; from < self.burst_size; ++from) {
        const auto received = must(self.hub.recv(self.id, WorkerId(from), self.deadline));
        EXPECT_EQ(received.from.value(), from);
        EXPECT_TRUE(is_pattern(received.data, payload_, from + 100 * round));
      }
    }
  });
}

TEST_P(Conformance, AnyTakesFromAll) {
  flare_->run([this](Worker& self) {
    if (self.id.value() != 0) {
      must(self.hub.send(self.id, WorkerId(0), pattern(payload_, self.id.value()), self.deadline));
      return;
    }
    std::vector<bool> seen(self.burst_size);
    for (std::uint32_t i = 1; i < self.burst_size; ++i) {
      const auto received = must(self.hub.recv(self.id, std::nullopt, self.deadline));
      EXPECT_FALSE(seen[received.from.value()]);
      seen[received.from.value()] = true;
      EXPECT_TRUE(is_pattern(received.data, payload_, received.from.value()));
    }
  });
}

TEST_P(Conformance, StartedCallsTakeTheirTurnAndAreOverInAnyOrder) {
  flare_->run([this](Worker& self) {
    const std::uint32_t workers = self.burst_size;
    const std::uint32_t id = self.id.value();
    std::vector<std::shared_ptr<message::StartedReceive>> receives;
    for (std::uint32_t i = 0; i < 2 * workers; ++i) {
      receives.push_back(must(self.hub.start_recv(self.id, WorkerId(i % workers))));
    }
    const auto barrier = must(self.collectives.begin_barrier(self.id));
    std::vector<std::shared_ptr<message::StartedSend>> sends;
    for (std::uint32_t i = 0; i < 2 * workers; ++i) {
      const Buffer data = pattern(payload_, id + 100 * (i / workers));
      sends.push_back(must(self.hub.start_send(self.id, WorkerId((id + i) % workers), data, self.deadline)));
    }
    for (std::uint32_t to = 0; to < workers; ++to) {
      must(self.hub.send(self.id, WorkerId(to), pattern(payload_, id + 200), self.deadline));
    }
    for (std::uint32_t from = 0; from < workers; ++from) {
      const auto received = must(self.hub.recv(self.id, WorkerId(from), self.deadline));
      EXPECT_TRUE(is_pattern(received.data, payload_, from + 200)) << "those that were started have had their turn";
    }
    for (std::uint32_t i = 2 * workers; i-- > 0;) {
      const auto received = must(self.hub.wait(*receives[i], self.deadline));
      EXPECT_EQ(received.from.value(), i % workers);
      EXPECT_TRUE(is_pattern(received.data, payload_, i % workers + 100 * (i / workers)));
    }
    for (const auto& send : sends) must(self.hub.wait(*send, self.deadline));
    must(barrier.finish(self.deadline));
  });
}

TEST_P(Conformance, CollectivesOfAllKindsInARow) {
  flare_->run([this](Worker& self) {
    const std::uint32_t workers = self.burst_size;
    const std::uint32_t id = self.id.value();
    for (const std::uint32_t root : {0u, workers - 1, workers / 2}) {
      const WorkerId root_id(root);
      const Buffer sent = id == root ? pattern(payload_, root) : Buffer();
      EXPECT_TRUE(is_pattern(must(self.collectives.broadcast(self.id, root_id, sent, self.deadline)), payload_, root));

      const auto gathered = must(self.collectives.gather(self.id, root_id, pattern(payload_ + id, id), self.deadline));
      ASSERT_EQ(gathered.size(), id == root ? workers : 0);
      for (std::uint32_t from = 0; from < gathered.size(); ++from) {
        EXPECT_TRUE(is_pattern(gathered[from], payload_ + from, from));
      }

      std::vector<Buffer> parts;
      for (std::uint32_t to = 0; id == root && to < workers; ++to) parts.push_back(pattern(to % 2 * payload_, to));
      EXPECT_TRUE(
          is_pattern(must(self.collectives.scatter(self.id, root_id, parts, self.deadline)), id % 2 * payload_, id));
    }
    const auto all = must(self.collectives.gather(self.id, std::nullopt, pattern(payload_, id), self.deadline));
    ASSERT_EQ(all.size(), workers);
    for (std::uint32_t from = 0; from < workers; ++from) EXPECT_TRUE(is_pattern(all[from], payload_, from));

    std::vector<Buffer> row;
    for (std::uint32_t to = 0; to < workers; ++to) row.push_back(pattern((id + to) % 3 * payload_, id * 64 + to));
    const auto column = must(self.collectives.all_to_all(self.id, row, self.deadline));
    ASSERT_EQ(column.size(), workers);
    for (std::uint32_t from = 0; from < workers; ++from) {
      EXPECT_TRUE(is_pattern(column[from], (from + id) % 3 * payload_, from * 64 + id));
    }
    must(self.collectives.barrier(self.id, self.deadline));
  });
}

TEST_P(Conformance, ReductionsKeepTheOrderOfWorkers) {
  const std::size_t count = payload_ / sizeof(double) + 1;
  const auto element = [](std::uint32_t worker, std::size_t i) { return 1.0 / (3.0 + worker * 7.0 + double(i)); };
  const std::uint32_t workers = std::reduce(GetParam().packing.begin(), GetParam().packing.end());
  std::vector<double> expected(count);
  for (std::size_t i = 0; i < count; ++i) {
    expected[i] = element(0, i);
    for (std::uint32_t worker = 1; worker < workers; ++worker) expected[i] += element(worker, i);
  }
  const auto is_expected = [&](const Buffer& result) {
    return result.size() == count * sizeof(double) &&
           std::memcmp(result.bytes().data(), expected.data(), result.size()) == 0;
  };
  flare_->run([&](Worker& self) {
    std::vector<double> mine(count);
    for (std::size_t i = 0; i < count; ++i) mine[i] = element(self.id.value(), i);
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
