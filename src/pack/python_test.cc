// What an invoker sees of packs whose workers are Python, in the python3 of this machine.
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "pack/interpreter.h"
#include "pack/pack_process.h"
#include "pack/run.h"

namespace gust::pack {
namespace {

using Json = nlohmann::json;

class PythonTest : public testing::Test {
 protected:
  ~PythonTest() override { std::remove(path_.c_str()); }

  /// A flare of one pack that runs this source.
  protocol::StartMessage python(const std::string& source, const std::vector<std::string>& params) {
    path_ = testing::TempDir() + "/python_test_" + std::to_string(getpid()) + ".py";
    std::ofstream(path_) << source;
    protocol::StartMessage start = start_message("", params);
    start.kind = "python:3";
    start.code_path = path_;
    return start;
  }
  PackStory run(const std::string& source, const std::vector<std::string>& params) {
    return run_to_end(python(source, params));
  }

  std::string path_;
};

void expect_finished_well(const PackStory& story, std::uint32_t workers) {
  ASSERT_FALSE(story.load_failed) << *story.load_failed << story.output;
  ASSERT_TRUE(WIFEXITED(story.wait_status)) << story.output;
  EXPECT_EQ(WEXITSTATUS(story.wait_status), kExitFinished) << story.output;
  EXPECT_FALSE(story.crashed);
  EXPECT_FALSE(story.exited);
  EXPECT_EQ(story.started.size(), workers);
  EXPECT_EQ(story.finished.size(), workers);
}

class PythonSizes : public PythonTest, public testing::WithParamInterface<std::uint32_t> {};

TEST_P(PythonSizes, EveryWorkerRunsWithItsOwnParamsExactlyOnce) {
  std::vector<std::string> params;
  for (std::uint32_t i = 0; i < GetParam(); ++i) params.push_back("{\"index\":" + std::to_string(i) + "}");
  const std::int64_t before = to_micros(wall_now());
  const PackStory story = run("def work(params, burst): return [params['index'], burst.worker_id]", params);
  const std::int64_t after = to_micros(wall_now());
  expect_finished_well(story, GetParam());
  EXPECT_LE(before, story.loaded->entered_us);
  EXPECT_LE(story.loaded->entered_us, story.loaded->loaded_us);
  EXPECT_GT(story.loaded->peak_memory_bytes, 1u << 20);
  for (std::uint32_t i = 0; i < GetParam(); ++i) {
    const protocol::WorkerFinish finish = story.result_of(i);
    ASSERT_TRUE(finish.ok) << finish.result;
    EXPECT_EQ(finish.result, "[" + std::to_string(i) + "," + std::to_string(i) + "]");
    const auto start = std::ranges::find(story.started, i, &protocol::WorkerStart::worker_id);
    ASSERT_NE(start, story.started.end());
    EXPECT_LE(story.loaded->loaded_us, start->started_us);
    EXPECT_LE(start->started_us, finish.function_started_us);
    EXPECT_LE(finish.function_started_us, finish.function_ended_us);
    EXPECT_LE(finish.function_ended_us, finish.ended_us);
    EXPECT_LE(finish.ended_us, after);
    EXPECT_GT(finish.peak_memory_bytes, 1u << 20);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, PythonSizes, testing::Values(1, 2, 48, 100));

TEST_F(PythonTest, ShowsAWorkerItsPlaceInTheBurst) {
  protocol::StartMessage start = python(R"(
def work(params, burst):
    try:
        burst.pack_of(9)
    except ValueError as error:
        stranger = str(error)
    return {"params": params, "burst_id": burst.burst_id, "worker_id": burst.worker_id, "burst_size": burst.burst_size,
            "pack_id": burst.pack_id, "pack_size": burst.pack_size, "pack_count": burst.pack_count,
            "is_leader": burst.is_leader, "invoker_id": burst.invoker_id, "stranger": stranger,
            "packs": [burst.pack_of(worker) for worker in range(burst.burst_size)]}
)",
                                        {"10", "[]", "null"});
  start.burst_size = 9;
  start.pack_id = 1;
  start.pack_first_worker = {0, 2, 5};
  start.workers = {WorkerId(2), 3};
  start.invoker_id = 6;
  const PackStory story = run_to_end(start);
  expect_finished_well(story, 3);
  EXPECT_EQ(Json::parse(story.result_of(4).result),
            Json({{"params", nullptr},
                  {"burst_id", start.flare_id},
                  {"worker_id", 4},
                  {"burst_size", 9},
                  {"pack_id", 1},
                  {"pack_size", 3},
                  {"pack_count", 3},
                  {"is_leader", false},
                  {"invoker_id", 6},
                  {"stranger", "there is no worker 9: this burst has the workers 0 to 8"},
                  {"packs", {0, 0, 1, 1, 1, 2, 2, 2, 2}}}));
  EXPECT_EQ(Json::parse(story.result_of(2).result)["is_leader"], true);
}

TEST_F(PythonTest, TheCodeIsImportedOncePerPack) {
  const PackStory story =
      run("import os\nimporter = os.getpid()\ndef work(params, burst): return [importer, os.getpid(), os.getppid()]",
          std::vector<std::string>(5, "1"));
  expect_finished_well(story, 5);
  std::vector<int> processes;
  for (std::uint32_t worker = 0; worker < 5; ++worker) {
    const Json result = Json::parse(story.result_of(worker).result);
    EXPECT_EQ(result[0], Json::parse(story.result_of(0).result)[0]);
    EXPECT_EQ(result[2], result[0]) << "forked from the one that imported it";
    processes.push_back(result[1]);
  }
  std::ranges::sort(processes);
  EXPECT_EQ(std::ranges::adjacent_find(processes), processes.end());
}

struct Choice {
  const char* source;
  const char* main;
  bool single;
  const char* result;  ///< or a part of why the code is refused
};

class PythonChoice : public PythonTest, public testing::WithParamInterface<Choice> {};

TEST_P(PythonChoice, OfTheFunction) {
  const Choice& choice = GetParam();
  protocol::StartMessage start = python(choice.source, {R"({"x":1})"});
  start.main = choice.main;
  start.is_single = choice.single;
  const PackStory story = run_to_end(start);
  if (story.load_failed) {
    EXPECT_NE(story.load_failed->find(choice.result), std::string::npos) << *story.load_failed;
  } else {
    EXPECT_EQ(story.result_of(0).result, choice.result);
  }
}

constexpr char kBoth[] = "def main(args): return ['main', args]\ndef work(params, burst): return ['work', params]";
INSTANTIATE_TEST_SUITE_P(
    Choices, PythonChoice,
    testing::Values(Choice{kBoth, "", true, R"(["main",{"x":1}])"}, Choice{kBoth, "", false, R"(["work",{"x":1}])"},
                    Choice{"def main(args): return 7", "", false, "7"},
                    Choice{"def main(args): return 7", "", true,
                           "main() returned int; an invocation's result must be a dict or a list (a burst's may be any "
                           "JSON value)"},
                    Choice{"def work(params, burst): return [burst.burst_size]", "", true, "[1]"},
                    Choice{"def other(args): return {}", "other", true, "{}"},
                    Choice{"def main(args): return {}", "other", true, "no function other(args)"},
                    Choice{"other = 1", "", true, "neither main(args) nor work(params, burst)"}));

TEST_F(PythonTest, ParamsAndResultsOfAnySizeUpToTheLimit) {
  const std::string big = '"' + std::string(9'000'000, 'b') + '"';
  const std::string unicode = R"("\u00fc \ud83d\ude00")";
  const PackStory story = run("def work(params, burst): return 'a' * params if isinstance(params, int) else params",
                              {"", big, unicode, "16777214", "16777215", "16777214"});
  expect_finished_well(story, 6);
  EXPECT_EQ(story.result_of(0).result, "null");
  EXPECT_TRUE(story.result_of(1).result == big);
  EXPECT_EQ(story.result_of(2).result, "\"\u00fc \U0001f600\"");
  EXPECT_EQ(story.result_of(3).result.size(), protocol::kMaxResultBytes);
  EXPECT_EQ(story.result_of(5).result.size(), protocol::kMaxResultBytes);
  EXPECT_FALSE(story.result_of(4).ok);
  EXPECT_EQ(story.result_of(4).result,
            "the worker's result of 16777217 bytes exceeds the limit of 16 MB; write it to storage and return where it "
            "is");
}

TEST_F(PythonTest, AWorkersErrorIsItsOwn) {
  const PackStory story = run(R"(
def work(params, burst):
    if params == 0: raise KeyError("shelf")
    if params == 1: return {1, 2}
    if params == 2: return float("nan")
    if params == 3: return "\ud800"
    if params == 4:
        a = []
        a.append(a)
        return a
    if params == 5: return "x" * (1 << 62)
    if params == 6: raise KeyboardInterrupt
    return "spared"
)",
                              {"0", "1", "2", "3", "4", "5", "6", "7"});
  expect_finished_well(story, 8);
  const auto expect_error = [&](std::uint32_t worker, const std::string& text) {
    EXPECT_FALSE(story.result_of(worker).ok);
    EXPECT_TRUE(story.result_of(worker).result.starts_with(text)) << story.result_of(worker).result;
  };
  expect_error(0, "KeyError: 'shelf'");
  expect_error(1, "work() returned what JSON cannot hold: TypeError: Object of type set is not JSON serializable");
  expect_error(2, "work() returned what JSON cannot hold: ValueError: Out of range float values");
  expect_error(3, "work() returned what JSON cannot hold: UnicodeEncodeError");
  expect_error(4, "work() returned what JSON cannot hold: ValueError: Circular reference");
  expect_error(5, "MemoryError");
  expect_error(6, "KeyboardInterrupt");
  EXPECT_EQ(story.result_of(7).result, R"("spared")");
  // The traceback shows the user's frames, with their source.
  EXPECT_NE(story.output.find("raise KeyError(\"shelf\")\n"), std::string::npos) << story.output;
  EXPECT_EQ(story.output.find("gust-runner"), std::string::npos) << story.output;
}

struct Fate {
  const char* what;
  int signal;  ///< or an exit
  int exit_code;
};

class PythonFate : public PythonTest, public testing::WithParamInterface<Fate> {};

/// The others wait for ever.
TEST_P(PythonFate, NamesTheWorkerThatDied) {
  const Fate& fate = GetParam();
  const PackStory story =
      run("import ctypes, os, signal, sys, time\n"
          "def work(params, burst):\n"
          "    if burst.worker_id != 3: time.sleep(1000)\n"
          "    print('before the end')\n"
          "    " +
              std::string(fate.what),
          std::vector<std::string>(5, "1"));
  EXPECT_EQ(WEXITSTATUS(story.wait_status), kExitFailed) << story.output;
  if (fate.signal != 0) {
    ASSERT_TRUE(story.crashed) << story.output;
    EXPECT_EQ(story.crashed->worker_id, 3u);
    EXPECT_EQ(story.crashed->signal, fate.signal);
    EXPECT_EQ(story.crashed->address, protocol::kNoAddress);
  } else {
    ASSERT_TRUE(story.exited) << story.output;
    EXPECT_EQ(story.exited->worker_id, 3u);
    EXPECT_EQ(story.exited->exit_code, fate.exit_code);
  }
  EXPECT_TRUE(story.finished.empty());
  EXPECT_NE(story.output.find("before the end\n"), std::string::npos) << story.output;
}

INSTANTIATE_TEST_SUITE_P(Fates, PythonFate,
                         testing::Values(Fate{"ctypes.string_at(0)", SIGSEGV, 0}, Fate{"os.abort()", SIGABRT, 0},
                                         Fate{"os.kill(os.getpid(), signal.SIGKILL)", SIGKILL, 0},
                                         Fate{"os.kill(os.getpid(), signal.SIGTERM)", SIGTERM, 0},
                                         Fate{"os._exit(0)", 0, 0}, Fate{"os._exit(7)", 0, 7}, Fate{"sys.exit()", 0, 0},
                                         Fate{"sys.exit(259)", 0, 3}, Fate{"sys.exit('a reason')", 0, 1}));

TEST_F(PythonTest, ACrashShowsThePythonStack) {
  const PackStory story = run("import ctypes\ndef deep(): ctypes.string_at(0)\ndef work(params, burst): deep()", {"1"});
  EXPECT_NE(story.output.find("Segmentation fault"), std::string::npos) << story.output;
  EXPECT_NE(story.output.find("line 2 in deep"), std::string::npos) << story.output;
}

TEST_F(PythonTest, TheEndOfTheInterpreterIsTold) {
  const PackStory story =
      run("import os, signal, time\n"
          "def work(params, burst):\n"
          "    if burst.worker_id == 0: os.kill(os.getppid(), signal.SIGKILL)\n"
          "    time.sleep(1000)",
          {"1", "1"});
  ASSERT_TRUE(story.crashed) << story.output;
  EXPECT_EQ(story.crashed->worker_id, protocol::kNoWorker);
  EXPECT_EQ(story.crashed->signal, SIGKILL);
}

class PythonRefused : public PythonTest, public testing::WithParamInterface<std::array<const char*, 3>> {};

TEST_P(PythonRefused, WithASentenceAndTheTracebackInTheLog) {
  const auto& [source, sentence, log] = GetParam();
  const PackStory story = run(source, {"1"});
  ASSERT_TRUE(story.load_failed) << story.output;
  EXPECT_NE(story.load_failed->find(sentence), std::string::npos) << *story.load_failed;
  EXPECT_NE(story.output.find(log), std::string::npos) << story.output;
  // A crash shows every frame.
  if (story.output.find("Fatal Python error") == std::string::npos) {
    EXPECT_EQ(story.output.find("gust-runner"), std::string::npos) << story.output;
  }
  EXPECT_TRUE(story.started.empty());
  EXPECT_EQ(WEXITSTATUS(story.wait_status), kExitFailed);
}

INSTANTIATE_TEST_SUITE_P(
    Codes, PythonRefused,
    testing::Values(std::array{"def work(:", "could not be imported: SyntaxError", "main__.py\", line 1"},
                    std::array{"import nothing_like_it", "ModuleNotFoundError: No module named 'nothing_like_it'",
                               "import nothing_like_it"},
                    std::array{"x = 1 / 0", "ZeroDivisionError: division by zero", "x = 1 / 0"},
                    std::array{"raise SystemExit(4)", "called sys.exit(4) while it was imported", ""},
                    std::array{"import os; os._exit(9)", "exited with code 9 while it loaded the code", ""},
                    std::array{"import os; os.abort()", "was ended by SIGABRT while it loaded the code", "line 1"},
                    std::array{"PK\x03\x04 is how zip archives begin", "the zip archive is damaged", ""}));

TEST_F(PythonTest, LinesOfWorkersStayWholeOnBothStreams) {
  const PackStory story =
      run("import sys\n"
          "def work(params, burst):\n"
          "    for line in range(50):\n"
          "        print('worker', burst.worker_id, 'line', line)\n"
          "        print('complains', burst.worker_id, line, file=sys.stderr)\n"
          "    print('without an end', end='')",
          std::vector<std::string>(8, "1"));
  expect_finished_well(story, 8);
  EXPECT_EQ(std::ranges::count(story.output, '\n'), 8 * 50 * 2);
  for (int worker = 0; worker < 8; ++worker) {
    for (int line = 0; line < 50; ++line) {
      const std::string id = std::to_string(worker);
      const std::string number = std::to_string(line);
      EXPECT_NE(story.output.find("worker " + id + " line " + number + "\n"), std::string::npos);
      EXPECT_NE(story.output.find("complains " + id + " " + number + "\n"), std::string::npos);
    }
  }
}

TEST_F(PythonTest, ThreadsOfTheImportAreNotForked) {
  const PackStory story =
      run("import threading, time\n"
          "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n"
          "def work(params, burst): return threading.active_count()",
          {"1"});
  expect_finished_well(story, 1);
  EXPECT_EQ(story.result_of(0).result, "1");
  EXPECT_NE(story.output.find("has 1 threads running after its import"), std::string::npos) << story.output;
}

TEST_F(PythonTest, EndsWithItsInvokerWhileTheCodeIsLoaded) {
  PackProcess pack(PackProcess::Socket::kGiven);
  pack.send(python("import time\ntime.sleep(1000)\ndef work(params, burst): pass", {"1"}));
  pack.close_socket();
  EXPECT_EQ(WEXITSTATUS(pack.finish().wait_status), kExitFailed);
}

TEST(Interpreter, IsTheOneThatIsNamedOrNone) {
  setenv("GUST_PYTHON", "/usr", 1);
  EXPECT_EQ(choose_python().value_or(""), "/usr/bin/python3");
  setenv("GUST_PYTHON", "/nothing/here", 1);
  const auto none = choose_python();
  unsetenv("GUST_PYTHON");
  ASSERT_FALSE(none) << "not another one: its packages would be missing";
  EXPECT_EQ(none.error().code, ErrorCode::kInvalid);
  EXPECT_NE(none.error().message.find("there is no /nothing/here/bin/python3 in the container"), std::string::npos)
      << none.error().message;
}

TEST(Interpreter, IsTheFirstOneThatThereIs) {
  const std::string folder = testing::TempDir() + "/python_test_" + std::to_string(getpid());
  ASSERT_EQ(mkdir(folder.c_str(), 0700), 0);
  const std::string program = folder + "/python3";
  std::ofstream(program) << "#!/bin/sh\n";
  const auto none = find_python("/nothing/here::relative:" + folder);
  ASSERT_FALSE(none) << "it is no program yet";
  EXPECT_NE(none.error().message.find("there is no python3 in the container (looked in /nothing/here::relative:/"),
            std::string::npos)
      << none.error().message;
  ASSERT_EQ(chmod(program.c_str(), 0700), 0);
  EXPECT_EQ(find_python("/nothing/here::relative:" + folder + ":/usr/bin").value_or(""), program);
  std::remove(program.c_str());
  rmdir(folder.c_str());
}

}  // namespace
}  // namespace gust::pack
