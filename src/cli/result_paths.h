// What the subcommands that read result files have in common.
#pragma once

#include "stats/result_set.h"

namespace gust::cli {

inline constexpr const char* kPathsHelp =
    "Result files, directories with gran<g>.csv and faas.csv, or directories of such directories named by burst size";

/// Prints what was refused and warns of rows that repeat, on standard error. kExitOk, or the code for the first
/// refusal.
int report_faults(const stats::ResultSet& set);

}  // namespace gust::cli
