#include "bench/mode.h"

#include <charconv>
#include <fmt/format.h>

namespace gust::bench {

std::string Mode::name() const { return faas ? "faas" : std::to_string(granularity); }

std::string Mode::file_name() const { return faas ? "faas.csv" : fmt::format("gran{}.csv", granularity); }

Result<std::vector<Mode>> parse_modes(std::string_view text) {
  std::vector<Mode> modes;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view entry = text.substr(0, comma);
    Mode mode{.granularity = 1, .faas = entry == "faas"};
    if (!mode.faas) {
      const auto [end, error] = std::from_chars(entry.data(), entry.data() + entry.size(), mode.granularity);
      if (error != std::errc() || end != entry.data() + entry.size() || mode.granularity == 0) {
        return fail(ErrorCode::kInvalid,
                    fmt::format("granularity '{}' is neither a positive whole number nor faas; write for example "
                                "1,12,48,faas",
                                entry));
      }
    }
    modes.push_back(mode);
    if (comma == std::string_view::npos) return modes;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace gust::bench
