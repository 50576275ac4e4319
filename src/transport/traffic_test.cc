// The formulas of docs/collectives.md, against what was counted.
#include <bit>
#include <cstring>

#include "transport/testing/flare.h"

namespace gust::transport::testing {
namespace {

using message::Buffer;
using message::kSegmentBytes;
using message::Traffic;

struct Shape {
  std::vector<std::uint32_t> packing;
  std::size_t bytes;
};

void keep_first(void* /*context*/, void* /*into*/, const void* /*from*/, std::size_t /*count*/) {}

class Formulas : public ::testing::TestWithParam<Shape> {
 protected:
  Formulas() {
    for (const std::uint32_t size : GetParam().packing) {
      workers_ += size;
      squares_ += std::uint64_t{size} * size;
    }
  }

  // What all packs together send to each other when every worker does this.
  static Traffic sent(const std::function<bool(Worker&)>& work) {
    Flare flare(implementations().front(), GetParam().packing);
    flare.run([&](Worker& self) { EXPECT_TRUE(work(self)); });
    return flare.traffic();
  }
  static Traffic remote(std::uint64_t messages, std::uint64_t bytes) { return {0, 0, messages, bytes}; }
  [[nodiscard]] bool same_pack(std::uint32_t a, std::uint32_t b) const { return pack_of(a) == pack_of(b); }
  [[nodiscard]] std::size_t pack_of(std::uint32_t worker) const {
    std::size_t pack = 0;
    for (; worker >= GetParam().packing[pack]; ++pack) worker -= GetParam().packing[pack];
    return pack;
  }

  const std::uint64_t packs_ = GetParam().packing.size();
  const std::uint64_t bytes_ = GetParam().bytes;
  const std::uint64_t segments_ = std::max<std::uint64_t>(1, (bytes_ + kSegmentBytes - 1) / kSegmentBytes);
  std::uint64_t workers_ = 0;
  std::uint64_t squares_ = 0;
};

TEST_P(Formulas, Barrier) {
  const std::uint64_t rounds = std::bit_width(packs_ - 1);
  EXPECT_EQ(sent([](Worker& self) { return self.collectives.barrier(self.id, self.deadline).has_value(); }),
            remote(packs_ * rounds, 0));
}

TEST_P(Formulas, Broadcast) {
  for (const std::uint64_t root : {std::uint64_t{0}, workers_ - 1}) {
    EXPECT_EQ(sent([&](Worker& self) {
                const WorkerId id(static_cast<std::uint32_t>(root));
                const Buffer data = self.id == id ? pattern(bytes_, 1) : Buffer();
                return self.collectives.broadcast(self.id, id, data, self.deadline).has_value();
              }),
              remote((packs_ - 1) * segments_, (packs_ - 1) * bytes_));
  }
}

TEST_P(Formulas, Reduce) {
  const Buffer data = pattern(bytes_, 1);
  const message::Reduction first{.element_bytes = 1, .combine = keep_first};
  for (const std::uint32_t root : {0u, static_cast<std::uint32_t>(workers_ - 1)}) {
    const std::uint64_t hops = packs_ - 1 + (same_pack(root, static_cast<std::uint32_t>(workers_ - 1)) ? 0 : 1);
    EXPECT_EQ(sent([&](Worker& self) {
                return self.collectives.reduce(self.id, WorkerId(root), data.bytes(), first, self.deadline).has_value();
              }),
              remote(hops * segments_, hops * bytes_));
  }
  EXPECT_EQ(sent([&](Worker& self) {
              return self.collectives.reduce(self.id, std::nullopt, data.bytes(), first, self.deadline).has_value();
            }),
            remote(2 * (packs_ - 1) * segments_, 2 * (packs_ - 1) * bytes_));
}

TEST_P(Formulas, GatherAndScatter) {
  const std::uint64_t others = workers_ - GetParam().packing.front();
  const Buffer data = pattern(bytes_, 1);
  EXPECT_EQ(sent([&](Worker& self) {
              return self.collectives.gather(self.id, WorkerId(0), data, self.deadline).has_value();
            }),
            remote(packs_ - 1, others * (8 + bytes_)));
  EXPECT_EQ(sent([&](Worker& self) {
              return self.collectives.scatter(self.id, WorkerId(0), std::vector<Buffer>(workers_, data), self.deadline)
                  .has_value();
            }),
            remote(packs_ - 1, others * (8 + bytes_)));
  EXPECT_EQ(sent([&](Worker& self) {
              return self.collectives.gather(self.id, std::nullopt, data, self.deadline).has_value();
            }),
            remote(packs_ * (packs_ - 1), (packs_ - 1) * workers_ * (8 + bytes_)));
}

TEST_P(Formulas, AllToAll) {
  const Buffer data = pattern(bytes_, 1);
  EXPECT_EQ(
      sent([&](Worker& self) {
        return self.collectives.all_to_all(self.id, std::vector<Buffer>(workers_, data), self.deadline).has_value();
      }),
      remote(packs_ * (packs_ - 1), (workers_ * workers_ - squares_) * (8 + bytes_)));
}

TEST_P(Formulas, OneToOne) {
  const Traffic traffic = sent([&](Worker& self) {
    const WorkerId next((self.id.value() + 1) % self.burst_size);
    const WorkerId previous((self.id.value() + self.burst_size - 1) % self.burst_size);
    return self.hub.send(self.id, next, pattern(bytes_, 1), self.deadline).has_value() &&
           self.hub.recv(self.id, previous, self.deadline).has_value();
  });
  const std::uint64_t across = packs_ == 1 ? 0 : packs_;
  EXPECT_EQ(traffic, (Traffic{workers_ - across, (workers_ - across) * bytes_, across, across * bytes_}));
}

INSTANTIATE_TEST_SUITE_P(Shapes, Formulas,
                         ::testing::Values(Shape{{4}, 1000}, Shape{{1, 1}, 0}, Shape{{5, 5, 3}, 1},
                                           Shape{{1, 7, 2, 2}, 4096}, Shape{{2, 2, 2, 2, 2, 1}, kSegmentBytes + 1},
                                           Shape{{3, 2}, 3 * kSegmentBytes},
                                           Shape{std::vector<std::uint32_t>(16, 3), 10}));

}  // namespace
}  // namespace gust::transport::testing
