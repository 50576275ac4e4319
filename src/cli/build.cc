// gust build: compiles a worker.
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <system_error>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/worker_compiler.h"

namespace gust::cli {

namespace {

Result<std::filesystem::path> build(BuildRequest request) {
  if (request.include_directory.empty()) {
    // bin/gust and include/gust stand side by side, in the build folder as well as when installed.
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) return fail(ErrorCode::kInternal, "where this program is cannot be read: " + error.message());
    request.include_directory = self.parent_path().parent_path() / "include";
  }
  return build_worker(request);
}

}  // namespace

void add_build(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = app.add_subcommand("build", "Compile a worker into a shared object for gust deploy");
  sub->footer(
      "The C++ library is linked into the object, so that it runs in packs that have another one. What follows -- goes "
      "to the compiler, after Gust's own flags.\n\n"
      "Examples:\n"
      "  gust build hello.cc\n"
      "  gust build solve.cc -o solver.so --compiler clang++ -- -O3 -march=native -lopenblas");
  auto request = std::make_shared<BuildRequest>();
  sub->add_option("source", request->source, "The source file; .c is C, everything else C++")
      ->required()
      ->type_name("FILE");
  sub->add_option("flags", request->flags, "More flags and files for the compiler, after --");
  sub->add_option("-o,--output", request->output,
                  "The object; the source's name with .so, in this folder, if not given")
      ->type_name("FILE");
  sub->add_option("--compiler", request->compiler,
                  "The compiler; $CXX ($CC for C) or the first one found if not given");
  sub->add_option("--include", request->include_directory, "The folder of gust/worker.h, if not beside this program")
      ->type_name("DIR");
  sub->callback([&chosen, request] {
    chosen.run = [request]() -> int {
      const auto object = build(*request);
      if (!object) return report(object.error().while_doing("build " + request->source.string()));
      fmt::print("{}: ready for gust deploy\n", object->string());
      return kExitOk;
    };
  });
}

}  // namespace gust::cli
