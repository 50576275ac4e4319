#include "cli/result_paths.h"

#include <cstdio>
#include <fmt/format.h>

#include "cli/exit_code.h"

namespace gust::cli {

int report_faults(const stats::ResultSet& set) {
  for (const stats::ResultFile& file : set.files) {
    if (const auto text = stats::repetition(file.runs)) {
      fmt::print(stderr, "gust: warning: {}: {}; computed on the distinct ones\n", file.path.string(), *text);
    }
  }
  int code = kExitOk;
  for (const Error& error : set.refused) {
    const int this_code = report(error);
    if (code == kExitOk) code = this_code;
  }
  return code;
}

}  // namespace gust::cli
