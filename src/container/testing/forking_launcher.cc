// A gust-launcher that forks the packs of test_pack.cc or hostile_pack.cc.
#include <array>
#include <cstdio>
#include <cstdlib>

#include "container/launcher/main.h"
#include "container/testing/pack_main.h"
#include "pack/prewarm.h"

namespace {

void run_pack(const gust::container::PackArguments& arguments) {
  std::array<char, 16> threads{};
  std::array<char*, 4> words{const_cast<char*>(arguments.binary), nullptr, threads.data(), nullptr};
  if (const auto& prewarmed = arguments.prewarmed) {
    std::snprintf(threads.data(), threads.size(), "%u", prewarmed->threads);
    const bool python = prewarmed->python != nullptr;
    words[1] = const_cast<char*>(python ? gust::pack::kPrewarmedPythonFlag : gust::pack::kPrewarmedFlag);
    if (python) words[2] = const_cast<char*>(prewarmed->python);
  }
  std::exit(pack_main(words[1] == nullptr ? 1 : 3, words.data()));
}

}  // namespace

int main(int argc, char** argv) { return gust::container::launcher_main(argc, argv, run_pack); }
