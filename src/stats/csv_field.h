// A field of a result file as a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"

namespace gust::stats {

/// What is wrong with a field's text, as the end of a sentence that begins with it ("is not a number"); empty when
/// nothing is.
using Complaint = std::string;

// Reads the text into the value. Whole numbers may be written with a fraction of zero: 67481600.0.
Complaint assign(double& value, std::string_view text);
Complaint assign(std::uint64_t& value, std::string_view text);
Complaint assign(std::uint32_t& value, std::string_view text);
Complaint assign(Bytes& value, std::string_view text);
Complaint assign(bool& value, std::string_view text);
Complaint assign(std::string& value, std::string_view text);

template <class Tag>
Complaint assign(NumberId<Tag>& id, std::string_view text) {
  std::uint32_t value = 0;
  Complaint complaint = assign(value, text);
  id = NumberId<Tag>(value);
  return complaint;
}

template <class T>
Complaint assign(std::optional<T>& value, std::string_view text) {
  return assign(value.emplace(), text);
}

/// The text as it may be shown on a terminal, not too long: the file may be no text at all.
std::string quotable(std::string_view text);

}  // namespace gust::stats
