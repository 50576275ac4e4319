// Reading and writing the flat, little-endian payloads of pack_frames.h. The reader never reads past the end: after the
// first field that does not fit it gives zeroes, and error() names that field.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/check.h"
#include "base/result.h"

namespace gust::protocol {

static_assert(std::endian::native == std::endian::little, "integers are written as they lie in memory");

class WireWriter {
 public:
  template <class Integer>
    requires std::is_integral_v<Integer>
  void integer(Integer value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void length(std::size_t size) {
    GUST_CHECK(size <= std::numeric_limits<std::uint32_t>::max(), "a field has at most 4 GiB");
    integer(static_cast<std::uint32_t>(size));
  }
  void text(std::string_view value) {
    length(value.size());
    out_.append(value);
  }
  void numbers(const std::vector<std::uint32_t>& values) {
    length(values.size());
    if (!values.empty()) out_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof values[0]);
  }
  void reserve(std::size_t size) { out_.reserve(size); }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class WireReader {
 public:
  explicit WireReader(std::string_view payload) : rest_(payload) {}

  template <class Integer>
    requires std::is_integral_v<Integer>
  void integer(const char* field, Integer& value) {
    const std::string_view bytes = take(field, sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
  }
  void text(const char* field, std::string& value) {
    std::uint32_t size = 0;
    integer(field, size);
    value = take(field, size);
  }
  void numbers(const char* field, std::vector<std::uint32_t>& values) {
    const std::size_t count = this->count(field, sizeof(std::uint32_t));
    const std::string_view bytes = take(field, count * sizeof(std::uint32_t));
    values.resize(bytes.size() / sizeof(std::uint32_t));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  }
  /// Reads the number of entries of at least `entry_bytes` each that follow; never more than the payload can hold, so
  /// that it is safe to reserve memory for them.
  std::size_t count(const char* field, std::size_t entry_bytes) {
    std::uint32_t value = 0;
    integer(field, value);
    if (value > rest_.size() / entry_bytes) {
      spoil(field);
      return 0;
    }
    return value;
  }
  /// Makes the payload invalid, blaming `field`; the first blame counts.
  void spoil(const char* field) {
    if (wrong_field_ == nullptr) wrong_field_ = field;
    rest_ = {};
  }
  [[nodiscard]] bool good() const { return wrong_field_ == nullptr; }
  /// To be asked after the last field: bytes that are left over are wrong, too.
  [[nodiscard]] Result<void> finish(const char* message) {
    if (good() && !rest_.empty()) spoil("bytes after the last field");
    if (good()) return {};
    return fail(ErrorCode::kInvalid, std::string("a pack's ") + message + " message is malformed at: " + wrong_field_);
  }

 private:
  std::string_view take(const char* field, std::size_t size) {
    if (size > rest_.size()) {
      spoil(field);
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::string_view rest_;
  const char* wrong_field_ = nullptr;
};

}  // namespace gust::protocol
