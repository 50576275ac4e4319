// For counts of which there must be at least one.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace gust::cli {

/// Refuses what is not a whole number from 1 on, with a sentence.
inline CLI::Validator positive() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        std::uint32_t value = 0;
        const bool whole = text.find_first_not_of("0123456789") == std::string::npos;
        if (whole && CLI::detail::lexical_cast(text, value) && value > 0) return {};
        return text + " is not a whole number from 1 on";
      },
      "FROM 1");
}

}  // namespace gust::cli
