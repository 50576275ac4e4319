#include "cli/worker_compiler.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gust::cli {
namespace {

namespace fs = std::filesystem;

class WorkerCompiler : public testing::Test {
 protected:
  void SetUp() override {
    folder = fs::path(testing::TempDir()) / ("gust_build_" + std::to_string(getpid()));
    fs::create_directories(folder);
    request.output = folder / "out.so";
    request.include_directory = GUST_TEST_INCLUDE;
  }
  void TearDown() override { fs::remove_all(folder); }
  void source(const std::string& name, const std::string& text) {
    request.source = folder / name;
    std::ofstream(request.source) << text;
  }
  void expect_refused(ErrorCode code, const std::string& text) const {
    const auto built = build_worker(request);
    ASSERT_FALSE(built);
    EXPECT_EQ(built.error().code, code);
    EXPECT_THAT(built.error().message, testing::HasSubstr(text));
    EXPECT_EQ(std::ranges::count_if(fs::directory_iterator(folder),
                                    [](const auto& entry) { return entry.path().extension() == ".tmp"; }),
              0);
  }

  fs::path folder;
  BuildRequest request;
};

constexpr char kWorkerInC[] =
    "#include <gust/gust.h>\n"
    "static int work(gust_burst* b, const char* p, size_t n) { (void)b, (void)p, (void)n; return 0; }\n"
    "GUST_EXPORT const gust_worker_object gust_worker = {GUST_ABI_VERSION, sizeof(gust_worker_object), work};\n";

TEST_F(WorkerCompiler, BuildsWorkersInCAndCpp) {
  source("worker.c", kWorkerInC);
  auto built = build_worker(request);
  ASSERT_TRUE(built) << built.error().message;
  EXPECT_EQ(*built, request.output);
  EXPECT_TRUE(fs::exists(request.output));

  source("worker.cc",
         "#include <gust/worker.h>\n"
         "gust::Json work(const gust::Json& params, gust::Burst&) { return params; }\n"
         "GUST_WORKER(work)\n");
  request.output = folder / "other.so";
  built = build_worker(request);
  ASSERT_TRUE(built) << built.error().message;
}

TEST_F(WorkerCompiler, HandsFlagsToTheCompilerAfterItsOwn) {
  source("worker.c", kWorkerInC);
  request.compiler = "env cc";
  request.flags = {"-O3", "-DX=1"};
  const auto command = compile_command(request, "x.so");
  ASSERT_TRUE(command) << command.error().message;
  EXPECT_THAT(*command, testing::Contains("-shared"));
  EXPECT_THAT(*command, testing::Not(testing::Contains(testing::StartsWith("-std="))));
  EXPECT_EQ(std::vector(command->begin(), command->begin() + 2), (std::vector<std::string>{"env", "cc"}));
  EXPECT_EQ(std::vector(command->end() - 2, command->end()), request.flags);
}

TEST_F(WorkerCompiler, KeepsTheOldObjectWhenTheSourceIsWrong) {
  std::ofstream(request.output) << "old";
  source("worker.c", "int 3;\n");
  expect_refused(ErrorCode::kInvalid, "could not compile");
  EXPECT_EQ(fs::file_size(request.output), 3u);
}

TEST_F(WorkerCompiler, RefusesSourcesThatAreNoWorkers) {
  source("worker.c", "int answer(void) { return 42; }\n");
  expect_refused(ErrorCode::kInvalid, "does not export `gust_worker`");
  EXPECT_FALSE(fs::exists(request.output));
}

TEST_F(WorkerCompiler, FindsMissingFunctionsBeforeTheyAreMissedAtRunTime) {
  source("worker.c", std::string(kWorkerInC) + "extern int nowhere(void);\nint f(void) { return nowhere(); }\n");
  expect_refused(ErrorCode::kInvalid, "could not compile");
}

TEST_F(WorkerCompiler, NamesWhatIsMissing) {
  request.source = folder / "none.cc";
  expect_refused(ErrorCode::kInvalid, "none.cc");
  source("worker.c", kWorkerInC);
  request.compiler = "no-such-compiler";
  expect_refused(ErrorCode::kInvalid, "'no-such-compiler'");
  request.include_directory = folder;
  expect_refused(ErrorCode::kInvalid, folder.string());
}

}  // namespace
}  // namespace gust::cli
