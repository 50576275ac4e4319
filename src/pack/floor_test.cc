#include "pack/floor.h"

#include <signal.h>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "pack/pack_process.h"

namespace gust::pack {
namespace {

class Floor : public testing::Test {
 protected:
  static constexpr std::uint32_t kEntries = 7;
  void SetUp() override {
    memory_fd.reset(memfd_create("floor", 0));
    ASSERT_EQ(ftruncate(memory_fd.get(), floor_bytes(kEntries)), 0);
    memory = mmap(nullptr, floor_bytes(kEntries), PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd.get(), 0);
    ASSERT_NE(memory, MAP_FAILED);
    header().magic = kFloorMagic;
    header().entries = kEntries;
  }
  void TearDown() override { munmap(memory, floor_bytes(kEntries)); }
  [[nodiscard]] FloorHeader& header() const { return *static_cast<FloorHeader*>(memory); }
  [[nodiscard]] FloorStamp stamp(std::uint32_t i) const { return reinterpret_cast<FloorStamp*>(&header() + 1)[i]; }
  [[nodiscard]] std::vector<std::string> arguments(std::uint32_t threads, std::uint32_t first) const {
    return {"--floor", std::to_string(threads), "--stamps", std::to_string(memory_fd.get()),
            "--first", std::to_string(first)};
  }

  UniqueFd memory_fd;
  void* memory = nullptr;
};

TEST_F(Floor, StampsEveryThreadAndKeepsThemUntilReleased) {
  PackProcess one(PackProcess::Socket::kMissing, arguments(4, 0));
  PackProcess other(PackProcess::Socket::kMissing, arguments(3, 4));
  ASSERT_TRUE(wait_for_floor(header(), std::chrono::seconds(30)));
  for (std::uint32_t i = 0; i < kEntries; ++i) EXPECT_GT(stamp(i), 0) << i;
  EXPECT_EQ(kill(one.pid(), 0), 0);
  release_floor(header());
  one.close_socket();
  other.close_socket();
  EXPECT_EQ(one.finish().wait_status, 0);
  EXPECT_EQ(other.finish().wait_status, 0);
}

TEST_F(Floor, AtASignalThreadsAreCreatedOnlyThen) {
  std::vector<std::string> flags = arguments(kEntries, 0);
  flags.insert(flags.end(), {"--at-signal", "1"});
  PackProcess pack(PackProcess::Socket::kMissing, flags);
  ASSERT_TRUE(wait_for_waiting(header(), 1, std::chrono::seconds(30)));
  EXPECT_EQ(header().started.load(), 0U);
  const std::int64_t before = std::chrono::nanoseconds(wall_now().time_since_epoch()).count();
  signal_floor(header());
  ASSERT_TRUE(wait_for_floor(header(), std::chrono::seconds(30)));
  // The wall clock of this process counts microseconds.
  for (std::uint32_t i = 0; i < kEntries; ++i) EXPECT_GE(stamp(i), before - before % 1000) << i;
  release_floor(header());
  pack.close_socket();
  EXPECT_EQ(pack.finish().wait_status, 0);
}

TEST_F(Floor, MoreThreadsThanEntriesAreRefused) {
  PackProcess pack(PackProcess::Socket::kMissing, arguments(4, 4));
  pack.close_socket();
  const PackStory story = pack.finish();
  EXPECT_EQ(WEXITSTATUS(story.wait_status), 2);
  EXPECT_NE(story.output.find("no room"), std::string::npos) << story.output;
}

}  // namespace
}  // namespace gust::pack
