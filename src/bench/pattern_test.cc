#include "bench/workers/pattern.h"

#include <gtest/gtest.h>
#include <vector>

namespace gust::bench {
namespace {

constexpr MessageName kName{.iteration = 3, .from = 1, .to = 2};

std::vector<std::byte> filled(const MessageName& name, std::size_t size) {
  std::vector<std::byte> data(size);
  Pattern(name).fill(data.data(), size);
  return data;
}

TEST(PatternTest, EveryWrongByteIsFound) {
  for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 64U, 1023U}) {
    std::vector<std::byte> data = filled(kName, size);
    EXPECT_EQ(Pattern(kName).first_wrong(data.data(), size), std::nullopt);
    for (std::size_t i = 0; i < size; ++i) {
      data[i] ^= std::byte{0x10};
      EXPECT_EQ(Pattern(kName).first_wrong(data.data(), size), i);
      data[i] ^= std::byte{0x10};
    }
  }
}

TEST(PatternTest, MessagesDiffer) {
  const std::vector<std::byte> data = filled(kName, 64);
  for (const MessageName& other : {MessageName{2, 1, 2}, MessageName{3, 2, 1}, MessageName{3, 1, 3},
                                   MessageName{3, 0, 2}, MessageName{1, 3, 2}, MessageName{2, 3, 1}}) {
    EXPECT_NE(Pattern(other).first_wrong(data.data(), data.size()), std::nullopt);
  }
}

TEST(PatternTest, PartsThatChangedPlacesAreFound) {
  std::vector<std::byte> data = filled(kName, 4096);
  std::swap_ranges(data.begin(), data.begin() + 1024, data.begin() + 2048);
  EXPECT_LT(Pattern(kName).first_wrong(data.data(), data.size()).value_or(data.size()), 8);  // in the first word
}

}  // namespace
}  // namespace gust::bench
