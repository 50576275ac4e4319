// A ring between two threads, and ends that lie.
#include "transport/tcp/ring.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <semaphore>
#include <sys/mman.h>
#include <thread>
#include <vector>

namespace gust::transport {
namespace {

constexpr std::size_t kCapacity = std::size_t{64} << 10;
constexpr std::size_t kPage = 4096;

struct Ends {
  RingWriter writer;
  RingReader reader;
};

Ends make_ends() {
  auto writer = RingWriter::make(kCapacity);
  EXPECT_TRUE(writer) << writer.error().message;
  auto reader = RingReader::open(UniqueFd(::dup(writer->fd())), kCapacity);
  EXPECT_TRUE(reader) << reader.error().message;
  return {std::move(*writer), std::move(*reader)};
}

std::span<const std::byte> bytes_of(const std::vector<std::uint32_t>& numbers) {
  return std::as_bytes(std::span(numbers));
}

TEST(Ring, BytesArriveAsTheyWereWrittenWhoeverIsFaster) {
  auto [writer, reader] = make_ends();
  std::vector<std::uint32_t> numbers(1 << 20);
  std::iota(numbers.begin(), numbers.end(), 7);
  std::vector<std::uint32_t> received(numbers.size());
  std::counting_semaphore<> to_reader(0);
  std::counting_semaphore<> to_writer(0);
  std::jthread writing([&] {
    std::mt19937 random(1);
    for (auto left = bytes_of(numbers); !left.empty();) {
      const auto size = writer.write(left.first(std::min<std::size_t>(left.size(), 1 + random() % 9000)));
      ASSERT_TRUE(size) << size.error().message;
      left = left.subspan(*size);
      if (writer.publish()) to_reader.release();
      if (*size == 0 && writer.begin_wait()) to_writer.acquire();
    }
  });
  std::mt19937 random(2);
  for (auto left = std::as_writable_bytes(std::span(received)); !left.empty();) {
    const auto size = reader.read(left.first(std::min<std::size_t>(left.size(), 1 + random() % 9000)));
    ASSERT_TRUE(size) << size.error().message;
    left = left.subspan(*size);
    if (reader.owes_wake()) to_writer.release();
    if (*size == 0 && !reader.look() && reader.begin_wait()) to_reader.acquire();
  }
  EXPECT_EQ(received, numbers);
}

TEST(Ring, NobodyIsWokenWhoDoesNotSleep) {
  auto [writer, reader] = make_ends();
  const std::vector<std::uint32_t> numbers(4 * kCapacity);
  EXPECT_EQ(writer.write(bytes_of(numbers).first(8)), 8u);
  EXPECT_FALSE(writer.publish());
  EXPECT_FALSE(reader.begin_wait()) << "something is there";
  std::vector<std::byte> room(kCapacity);
  EXPECT_EQ(reader.read(room), 8u);
  EXPECT_EQ(reader.read(room), 0u);
  EXPECT_TRUE(reader.begin_wait());
  EXPECT_EQ(writer.write(bytes_of(numbers)), kCapacity) << "all that there is room for";
  EXPECT_TRUE(writer.publish());
  EXPECT_FALSE(writer.publish()) << "once is enough";
  EXPECT_EQ(writer.write(bytes_of(numbers)), 0u);
  EXPECT_TRUE(writer.begin_wait());
  EXPECT_EQ(reader.read(std::span(room).first(100)), 100u);
  EXPECT_FALSE(reader.owes_wake()) << "not for so little";
  EXPECT_EQ(reader.read(room), kCapacity - 100);
  EXPECT_TRUE(reader.owes_wake());
  EXPECT_FALSE(reader.owes_wake());
}

TEST(Ring, MemoryThatIsNoRingIsRefused) {
  const UniqueFd none;
  EXPECT_FALSE(RingReader::open(none, kCapacity));
  const auto made = [](std::size_t size, unsigned flags, int seals) {
    UniqueFd fd(::memfd_create("ring", flags | MFD_CLOEXEC));
    EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(size)), 0);
    EXPECT_TRUE(seals == 0 || ::fcntl(fd.get(), F_ADD_SEALS, seals) == 0);
    return fd;
  };
  EXPECT_TRUE(RingReader::open(made(kPage + kCapacity, MFD_ALLOW_SEALING, F_SEAL_SHRINK), kCapacity));
  EXPECT_FALSE(RingReader::open(made(kPage + kCapacity, 0, 0), kCapacity)) << "it could be made smaller while we read";
  EXPECT_FALSE(RingReader::open(made(kCapacity, MFD_ALLOW_SEALING, F_SEAL_SHRINK), kCapacity)) << "it is too small";
  EXPECT_FALSE(RingReader::open(made(kPage + 3 * kPage, MFD_ALLOW_SEALING, F_SEAL_SHRINK), 3 * kPage));
  EXPECT_FALSE(RingReader::open(made(kPage, MFD_ALLOW_SEALING, F_SEAL_SHRINK), 0));
  UniqueFd pipe_ends[2];
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  pipe_ends[0].reset(ends[0]);
  pipe_ends[1].reset(ends[1]);
  EXPECT_FALSE(RingReader::open(pipe_ends[0], kCapacity));
}

// As user code of the other process could.
class Liar {
 public:
  explicit Liar(int fd)
      : memory_(
            static_cast<std::byte*>(::mmap(nullptr, kPage + kCapacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0))) {
    EXPECT_NE(static_cast<void*>(memory_), MAP_FAILED);
  }
  ~Liar() { ::munmap(memory_, kPage + kCapacity); }
  void say_written(std::uint64_t position) const { std::memcpy(memory_, &position, sizeof position); }
  void say_read(std::uint64_t position) const { std::memcpy(memory_ + 64, &position, sizeof position); }

 private:
  std::byte* memory_;
};

TEST(Ring, PositionsThatCannotBeAreRefused) {
  auto [writer, reader] = make_ends();
  const Liar liar(writer.fd());
  std::vector<std::byte> room(kCapacity);
  const std::vector<std::uint32_t> numbers(16);
  for (const std::uint64_t position : {std::uint64_t{kCapacity + 1}, std::uint64_t{1} << 40}) {
    liar.say_written(position);
    const auto got = reader.read(room);
    ASSERT_FALSE(got) << position;
    EXPECT_EQ(got.error().code, ErrorCode::kInvalid);
    liar.say_read(position);
    const auto written = writer.write(bytes_of(numbers));
    ASSERT_FALSE(written) << position;
    EXPECT_EQ(written.error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace gust::transport
