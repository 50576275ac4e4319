#include "worker/inspect.h"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <gust/gust.h>
#include <random>
#include <sstream>

namespace gust::worker {
namespace {

std::string read_object(const std::string& name) {
  std::ifstream file(GUST_TEST_WORKERS "/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void expect_refused(const std::string& bytes, ErrorCode code, const std::string& text) {
  const auto info = inspect_object(bytes);
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, code);
  EXPECT_NE(info.error().message.find(text), std::string::npos) << info.error().message;
}

TEST(Inspect, AcceptsWorkersInCAndCpp) {
  for (const char* name : {"who.so", "echo.so", "misbehave.so"}) {
    const auto info = inspect_object(read_object(name));
    ASSERT_TRUE(info) << name << ": " << info.error().message;
    EXPECT_EQ(info->abi_version, GUST_ABI_VERSION);
  }
}

TEST(Inspect, WorksOnBytesAtAnyAddress) {
  const std::string bytes = "x" + read_object("echo.so");
  EXPECT_TRUE(inspect_object(std::string_view(bytes).substr(1)));
}

TEST(Inspect, RefusesWithAReason) {
  expect_refused("", ErrorCode::kInvalid, "not a shared object");
  expect_refused("#include <gust/worker.h>", ErrorCode::kInvalid, "gust build");
  expect_refused("\177ELF", ErrorCode::kInvalid, "damaged");
  expect_refused(read_object("no_symbol.so"), ErrorCode::kInvalid, "does not export `gust_worker`");
  expect_refused(read_object("other_version.so"), ErrorCode::kVersionMismatch, "version 42");
  std::string bytes = read_object("echo.so");
  bytes[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(EM_RISCV);
  expect_refused(bytes, ErrorCode::kInvalid, "another machine");
  bytes = read_object("echo.so");
  bytes[offsetof(Elf64_Ehdr, e_type)] = ET_EXEC;
  expect_refused(bytes, ErrorCode::kInvalid, "-shared");
}

TEST(Inspect, TruncatedObjectsNeverCrash) {
  const std::string bytes = read_object("echo.so");
  for (std::size_t size = 0; size < bytes.size(); size += size < 4096 ? 1 : 61) {
    const std::string cut = bytes.substr(0, size);
    static_cast<void>(inspect_object(cut));
  }
}

TEST(Inspect, MutatedObjectsNeverCrash) {
  const std::string bytes = read_object("echo.so");
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  std::mt19937 random(11);
  // Where it hurts: the header, and the tables of segments and of sections.
  const std::size_t places[] = {0, header.e_phoff, header.e_shoff};
  const std::size_t sizes[] = {sizeof header, header.e_phnum * sizeof(Elf64_Phdr), header.e_shnum * sizeof(Elf64_Shdr)};
  for (int round = 0; round < 20000; ++round) {
    std::string mutated = bytes;
    for (std::size_t changes = 1 + random() % 3; changes > 0; --changes) {
      const std::size_t table = random() % 4;
      const std::size_t at = table == 3 ? random() % mutated.size() : places[table] + random() % sizes[table];
      mutated[at] = static_cast<char>(random());
    }
    static_cast<void>(inspect_object(mutated));
  }
}

}  // namespace
}  // namespace gust::worker
