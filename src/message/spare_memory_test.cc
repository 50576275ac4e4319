#include "message/spare_memory.h"

#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "message/buffer.h"

namespace gust::message {
namespace {

constexpr std::size_t kMb = std::size_t{1} << 20;

TEST(SpareMemoryTest, WhatWasGivenBackIsTakenAgain) {
  for (const std::size_t size : {kLargeBytes, 3 * kMb, 64 * kMb + 1}) {
    const LargeBlock first = take_large(size);
    ASSERT_NE(first.data, nullptr);
    EXPECT_GE(first.capacity, size);
    first.data[0] = first.data[size - 1] = std::byte{1};
    give_large(first);
    const LargeBlock again = take_large(size);
    EXPECT_EQ(again.data, first.data);
    again.data[0] = again.data[size - 1] = std::byte{2};
    give_large(again);
  }
}

TEST(SpareMemoryTest, ABlockIsNotWastedOnASmallBuffer) {
  const LargeBlock large = take_large(512 * kMb);
  give_large(large);
  const LargeBlock small = take_large(128 * kMb);
  EXPECT_LT(small.capacity, 512 * kMb);
  give_large(small);
}

TEST(SpareMemoryTest, NoMoreMemoryThanThereIs) {
  EXPECT_EQ(take_large(SIZE_MAX).data, nullptr);
  EXPECT_EQ(take_large(SIZE_MAX / 2).data, nullptr);
  EXPECT_FALSE(Buffer::make(SIZE_MAX / 2));
}

// Two buffers that live at the same time never share memory, whoever makes and drops them.
TEST(SpareMemoryTest, BuffersOfManyThreads) {
  std::vector<std::jthread> threads;
  for (unsigned id = 1; id <= 4; ++id) {
    threads.emplace_back([id] {
      for (int round = 0; round < 200; ++round) {
        const std::size_t size = kLargeBytes + static_cast<std::size_t>(round % 3) * 4096;
        Buffer buffer = Buffer::make(size);
        for (std::size_t at = 0; at < size; at += 4096) buffer.writable()[at] = static_cast<std::byte>(id);
        std::this_thread::yield();
        for (std::size_t at = 0; at < size; at += 4096) ASSERT_EQ(buffer.bytes()[at], static_cast<std::byte>(id));
      }
    });
  }
}

TEST(SpareMemoryTest, APartKeepsItsWhole) {
  Buffer whole = Buffer::make(2 * kMb);
  whole.writable()[kMb] = std::byte{7};
  const Buffer part = whole.part(kMb, 1);
  whole.reset();
  Buffer other = Buffer::make(2 * kMb);
  other.writable()[kMb] = std::byte{8};
  EXPECT_EQ(part.bytes()[0], std::byte{7});
}

}  // namespace
}  // namespace gust::message
