// A gust-launcher that forks the packs of test_pack.cc or hostile_pack.cc, whose main() is built as pack_main().
#include <array>
#include <cstdio>
#include <cstdlib>

#include "container/launcher/main.h"
#include "pack/prewarm.h"

int pack_main(int argc, char** argv);

namespace {

void run_pack(const gust::container::PackArguments& arguments) {
  const bool prewarmed = arguments.prewarmed_threads.has_value();
  std::array<char, 16> threads{};
  std::snprintf(threads.data(), threads.size(), "%u", arguments.prewarmed_threads.value_or(0));
  std::array<char*, 4> words{const_cast<char*>(arguments.binary), const_cast<char*>(gust::pack::kPrewarmedFlag),
                             threads.data(), nullptr};
  if (!prewarmed) words[1] = nullptr;
  std::exit(pack_main(prewarmed ? 3 : 1, words.data()));
}

}  // namespace

int main(int argc, char** argv) { return gust::container::launcher_main(argc, argv, run_pack); }
