// Very many messages, a very large one, very many workers: between packs, over the Unix sockets that packs of one host
// use.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <sys/mman.h>

#include "transport/testing/flare.h"

namespace gust::transport::testing {
namespace {

using message::Buffer;
using message::Piece;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GUST_SANITIZED
#endif
#endif
#ifdef GUST_SANITIZED
constexpr bool kSanitized = true;  // all memory and every thread costs a multiple
#else
constexpr bool kSanitized = false;
#endif

Implementation unix_sockets() {
  const auto all = implementations();
  return *std::ranges::find(all, std::string_view("unix"),
                            [](const Implementation& one) { return std::string_view(one.name); });
}

// 0 when it cannot be told.
std::uint64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word) {
    std::uint64_t kilobytes = 0;
    if (word == "MemAvailable:" && file >> kilobytes) return kilobytes << 10;
  }
  return 0;
}

TEST(Endurance, AMillionTinyMessagesArriveInOrder) {
  constexpr std::uint32_t kMessages = kSanitized ? 100'000 : 1'000'000;
  Flare flare(unix_sockets(), {1, 1});
  flare.run([](Worker& self) {
    for (std::uint32_t i = 0; i < kMessages; ++i) {
      if (self.id.value() == 0) {
        const auto sent =
            self.hub.send(self.id, WorkerId(1), Buffer::copy_of(std::as_bytes(std::span(&i, 1))), self.deadline);
        ASSERT_TRUE(sent) << sent.error().message;
        continue;
      }
      const auto received = self.hub.recv(self.id, WorkerId(0), self.deadline);
      ASSERT_TRUE(received) << received.error().message;
      std::uint32_t number = 0;
      ASSERT_EQ(received->data.size(), sizeof number);
      std::memcpy(&number, received->data.bytes().data(), sizeof number);
      ASSERT_EQ(number, i);
    }
  });
  EXPECT_EQ(flare.traffic(), (message::Traffic{0, 0, kMessages, std::uint64_t{kMessages} * sizeof(std::uint32_t)}));
}

TEST(Endurance, AMessageOfFourGibibytesArrives) {
  constexpr std::size_t kBytes = (std::size_t{4} << 30) + 5;
  constexpr std::size_t kStep = (std::size_t{16} << 20) - 4096;  // between the words that are not zero
  if (kSanitized) GTEST_SKIP() << "too slow under sanitizers";
  if (available_memory() < kBytes + kBytes / 2) GTEST_SKIP() << "it needs 6 GiB of free memory";
  // What is not written takes no memory here; at the receiver all of it does.
  void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const auto word_at = [](std::size_t at) { return at * 0x9E3779B97F4A7C15; };
  for (std::size_t at = 0; at + sizeof at <= kBytes; at += kStep) {
    const std::uint64_t word = word_at(at);
    std::memcpy(static_cast<std::byte*>(memory) + at, &word, sizeof word);
  }
  static_cast<std::byte*>(memory)[kBytes - 1] = std::byte{0x7e};
  {
    const auto unmap = [](void* whole) { ::munmap(whole, kBytes); };
    Buffer data = Buffer::wrap(static_cast<std::byte*>(memory), kBytes, unmap, memory);
    Flare flare(unix_sockets(), {1, 1});
    flare.run([&](Worker& self) {
      if (self.id.value() == 0) {
        const auto sent = self.hub.send(self.id, WorkerId(1), data, self.deadline);
        EXPECT_TRUE(sent) << sent.error().message;
        return;
      }
      const auto received = self.hub.recv(self.id, WorkerId(0), self.deadline);
      ASSERT_TRUE(received) << received.error().message;
      ASSERT_EQ(received->data.size(), kBytes);
      const std::byte* bytes = received->data.bytes().data();
      for (std::size_t at = 0; at + sizeof at <= kBytes; at += kStep) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + at, sizeof word);
        ASSERT_EQ(word, word_at(at)) << at;
        ASSERT_EQ(bytes[at + sizeof word], std::byte{0}) << at;
      }
      EXPECT_EQ(bytes[kBytes - 1], std::byte{0x7e});
    });
  }
}

TEST(Endurance, AllToAllOfManyWorkers) {
  constexpr std::uint32_t kGranularity = kSanitized ? 6 : 48;
  constexpr std::uint32_t kPacks = kSanitized ? 10 : 20;
  constexpr std::uint32_t kWorkers = kPacks * kGranularity;
  constexpr std::size_t kBytes = 1024;
  Flare flare(unix_sockets(), packs_of(kWorkers, kGranularity));
  flare.run([&](Worker& self) {
    const std::uint32_t own = self.id.value();
    const Buffer all = Buffer::make(kWorkers * kBytes);
    std::vector<Buffer> row;
    for (std::uint32_t to = 0; to < kWorkers; ++to) {
      std::byte* place = all.writable() + to * kBytes;
      std::memset(place, static_cast<int>(own + to), kBytes);
      std::memcpy(place, &own, sizeof own);
      std::memcpy(place + kBytes - sizeof to, &to, sizeof to);
    }
    for (std::uint32_t to = 0; to < kWorkers; ++to) row.push_back(all.part(to * kBytes, kBytes));
    const auto column = self.collectives.all_to_all(self.id, std::move(row), self.deadline);
    ASSERT_TRUE(column) << column.error().message;
    ASSERT_EQ(column->size(), kWorkers);
    for (std::uint32_t from = 0; from < kWorkers; ++from) {
      const Piece bytes = (*column)[from].bytes();
      ASSERT_EQ(bytes.size(), kBytes);
      std::uint32_t sender = 0;
      std::uint32_t receiver = 0;
      std::memcpy(&sender, bytes.data(), sizeof sender);
      std::memcpy(&receiver, bytes.data() + kBytes - sizeof receiver, sizeof receiver);
      ASSERT_EQ(sender, from);
      ASSERT_EQ(receiver, own);
      ASSERT_EQ(bytes[kBytes / 2], static_cast<std::byte>(from + own));
    }
  });
  const std::uint64_t across = std::uint64_t{kWorkers} * (kWorkers - kGranularity);
  EXPECT_EQ(flare.traffic(), (message::Traffic{0, 0, kPacks * (kPacks - 1), across * (8 + kBytes)}));
}

}  // namespace
}  // namespace gust::transport::testing
