// Where objects are: named bytes that are written whole, read whole or in part, and listed by the beginnings of their
// names. One folder here an implementation; all of them pass conformance_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace gust::objectstore {

/// How long a call may take, and what ends it before: kTimedOut, kCancelled.
struct Context {
  SteadyTime deadline;
  std::stop_token stop = {};
};

using Piece = std::span<const std::byte>;

/// Called with the bytes of an object as they arrive, in order. An error from it ends the call and is its result.
using Receiver = std::function<Result<void>(Piece)>;

/// A part of an object. What lies behind the object's end is left out.
struct Range {
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> bytes = {};  ///< at least 1; none: to the end
};

struct Object {
  std::string key;
  std::uint64_t bytes = 0;
};

/// What list() found. In the order of the keys' bytes.
struct Page {
  std::vector<Object> objects;
  std::string next;  ///< for the next call's `from`; empty when this was the last page
};

/// An object that is written in parts. Not thread-safe. Destroyed before complete(), it leaves nothing (as far as the
/// store can be reached within some seconds).
class Upload {
 public:
  virtual ~Upload() = default;
  /// The next part. All but the last one have at least kSmallestPart bytes.
  virtual Result<void> add(Piece part, const Context& context) = 0;
  /// From now on the object is there, whole. Once, after at least one part.
  virtual Result<void> complete(const Context& context) = 0;
};

inline constexpr std::size_t kSmallestPart = std::size_t{5} << 20;  // S3's
inline constexpr std::size_t kLongestKey = 1024;                    // S3's, in bytes
inline constexpr std::uint32_t kLargestPage = 1000;                 // S3's

/// Thread-safe. All calls block, at most until their context ends. Keys are those that check_key() accepts; else
/// kInvalid. Errors beside those named: kDenied, kUnavailable when the store cannot be reached, kBusy when it refuses
/// for too many requests; faults that may pass are tried again until the context ends. An object that is written while
/// it is read is read as it was, or the call fails.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  /// kNotFound; kInvalid when the range begins behind the last byte.
  virtual Result<void> get(const std::string& key, const Range& range, const Receiver& receive,
                           const Context& context) = 0;
  /// Writes `pieces`, one after the other, as one object; replaces what had this key before.
  virtual Result<void> put(const std::string& key, std::span<const Piece> pieces, const Context& context) = 0;
  /// kInvalid for a bad key at once; whether one may write shows with the first part at the latest.
  virtual Result<std::unique_ptr<Upload>> start_upload(const std::string& key, const Context& context) = 0;
  /// Objects whose keys begin with `prefix` (which may be empty), at most `limit` (1 to kLargestPage); `from` is empty
  /// or the last page's `next`.
  virtual Result<Page> list(const std::string& prefix, const std::string& from, std::uint32_t limit,
                            const Context& context) = 0;
  /// Success when there is no such object.
  virtual Result<void> remove(const std::string& key, const Context& context) = 0;
  /// Any number of them, in few requests. On an error some may be gone.
  virtual Result<void> remove_many(std::span<const std::string> keys, const Context& context) = 0;
};

/// kInvalid unless the key has 1 to kLongestKey bytes, no control characters, and no part (between slashes) that is
/// "." or "..", which stores on file systems refuse.
Result<void> check_key(std::string_view key);

/// The object, or the part, as a string.
Result<std::string> get_whole(ObjectStore& store, const std::string& key, const Range& range, const Context& context);

/// Removes all objects whose keys begin with `prefix`.
Result<void> remove_all(ObjectStore& store, const std::string& prefix, const Context& context);

}  // namespace gust::objectstore
