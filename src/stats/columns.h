// The columns of a result file, each tied to its member of Record: the one list that reader and writer go by.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "stats/record.h"

namespace gust::stats {

using Member = std::variant<double Record::*, std::optional<double> Record::*, Bytes Record::*, std::uint64_t Record::*,
                            std::uint32_t Record::*, bool Record::*, std::optional<InvokerId> Record::*,
                            std::optional<WorkerId> Record::*, std::optional<PackId> Record::*>;

/// A file without a required column tells nothing about start-up, and is refused.
enum class Need : std::uint8_t { kOptional, kRequired };

struct Column {
  std::string_view name;
  Member member;
  Need need = Need::kOptional;
};

/// In the order in which they are written.
std::span<const Column> columns();

}  // namespace gust::stats
