// What the first implementation of burst communication got wrong: duplicates and late chunks counted as new, empty
// messages lost.
#include "message/reassembly.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace gust::message {
namespace {

struct Frame {
  FrameHeader header;
  std::string payload;
};

class ReassemblyTest : public ::testing::Test {
 protected:
  static std::vector<Frame> frames(std::uint64_t sequence, const std::string& text, std::size_t chunk) {
    std::vector<Frame> all;
    std::size_t at = 0;
    do {
      Frame frame;
      frame.payload = text.substr(at, chunk);
      frame.header.kind = FrameKind::kDirect;
      frame.header.from = 1;
      frame.header.to = 2;
      frame.header.sequence = sequence;
      frame.header.offset = at;
      frame.header.message_bytes = text.size();
      frame.header.frame_bytes = static_cast<std::uint32_t>(frame.payload.size());
      at += frame.payload.size();
      all.push_back(frame);
    } while (at < text.size());
    return all;
  }

  Result<void> take(const Frame& frame) {
    std::byte* place = GUST_TRY(reassembly_.begin(frame.header));
    if (place == nullptr) return {};
    std::memcpy(place, frame.payload.data(), frame.payload.size());
    return reassembly_.end(frame.header);
  }

  std::vector<std::string> delivered_;
  Reassembly reassembly_{[this](const FrameHeader& /*first*/, Buffer data) {
    delivered_.emplace_back(reinterpret_cast<const char*>(data.bytes().data()), data.size());
  }};
};

TEST_F(ReassemblyTest, AnyOrderAndAnyNumberOfCopiesGiveEachMessageOnceInOrder) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> expected;
    std::vector<Frame> all;
    const std::uint64_t first = static_cast<std::uint64_t>(round) * 10;
    for (std::uint64_t i = 0; i < 10; ++i) {
      expected.emplace_back(random() % 20, static_cast<char>('a' + i));
      for (const Frame& frame : frames(first + i, expected.back(), 1 + random() % 7)) all.push_back(frame);
    }
    // Chunks of one message are cut alike; copies of any of them come at any time.
    const std::size_t count = all.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (random() % 2 == 0) all.push_back(all[random() % count]);
    }
    std::ranges::shuffle(all, random);
    delivered_.clear();
    for (const Frame& frame : all) ASSERT_TRUE(take(frame));
    EXPECT_EQ(delivered_, expected);
    for (const Frame& frame : all) ASSERT_TRUE(take(frame));
    EXPECT_EQ(delivered_, expected) << "stale copies";
  }
}

TEST_F(ReassemblyTest, ThoseThatAreGivenUpKeepTheirPlaceAndNothingElse) {
  std::mt19937 random(4);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> expected;
    std::vector<Frame> all;
    const std::uint64_t first = static_cast<std::uint64_t>(round) * 10;
    for (std::uint64_t i = 0; i < 10; ++i) {
      const std::string text(1 + random() % 20, static_cast<char>('a' + i));
      std::vector<Frame> chunks = frames(first + i, text, 1 + random() % 7);
      const bool whole = random() % 3 > 0;
      expected.push_back(whole ? text : "");
      if (!whole) {
        chunks.pop_back();
        Frame word;
        word.header.kind = FrameKind::kGivenUp;
        word.header.sequence = first + i;
        chunks.push_back(word);
      }
      all.insert(all.end(), chunks.begin(), chunks.end());
    }
    std::ranges::shuffle(all, random);
    delivered_.clear();
    for (const Frame& frame : all) {
      if (frame.header.kind != FrameKind::kGivenUp) {
        ASSERT_TRUE(take(frame));
        continue;
      }
      Frame message = frames(frame.header.sequence, "", 1).front();
      reassembly_.give_up(message.header);
      reassembly_.give_up(message.header);
    }
    EXPECT_EQ(delivered_, expected);
  }
}

TEST_F(ReassemblyTest, AnEmptyMessageArrives) {
  for (const Frame& frame : frames(0, "", 4)) ASSERT_TRUE(take(frame));
  EXPECT_EQ(delivered_, std::vector<std::string>{""});
}

TEST_F(ReassemblyTest, ImpossibleFramesAreRefused) {
  const Frame good = frames(0, "abcdef", 3).front();
  const auto refused = [&](auto change) {
    Frame bad = good;
    change(bad.header);
    return !reassembly_.begin(bad.header).has_value();
  };
  EXPECT_TRUE(refused([](FrameHeader& header) { header.offset = 7; }));
  EXPECT_TRUE(refused([](FrameHeader& header) { header.offset = 4; }));
  EXPECT_TRUE(refused([](FrameHeader& header) { header.frame_bytes = 0; }));
  EXPECT_TRUE(refused([](FrameHeader& header) { header.message_bytes = UINT64_MAX; }));
  ASSERT_TRUE(take(good));
  EXPECT_TRUE(refused([](FrameHeader& header) { header.message_bytes = 5; }));
}

}  // namespace
}  // namespace gust::message
