// What gust doctor looks at.
#pragma once

#include <string>
#include <vector>

#include "base/config.h"

namespace gust::cli {

enum class Health {
  kGood,
  kLimited,  ///< works, with less than there could be
  kMissing,
};

struct Check {
  std::string name;
  Health health = Health::kGood;
  std::string found;   ///< what is there
  std::string advice;  ///< what to do; empty where nothing is
};

/// Each driver, tried; the one called `config.driver` among them. Blocks for as long as starting a container takes.
std::vector<Check> check_drivers(const Config& config);
/// The kernel's part: namespaces, seccomp, cgroups, limits of this process.
std::vector<Check> check_kernel();
/// Programs that some commands run.
std::vector<Check> check_programs();
/// The addresses that a controller would listen on.
std::vector<Check> check_addresses(const Config& config);

}  // namespace gust::cli
