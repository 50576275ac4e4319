// Transports that go by way of a server (redis-list, redis-stream, rabbitmq, s3), as shared objects that are loaded
// when a flare first needs one: gust-pack must start in a millisecond, and links none of their libraries.
//
// A shared object holds what one client library can do, and exports one symbol, `gust_backend_library`. It comes from
// the same build as the program that loads it, which is checked, so C++ types may cross; each side has its own C++
// runtime, so exceptions may not.
//
// All that a flare leaves on a server (keys, queues, objects) has a name that begins with name_prefix(). Who receives
// removes what it has received; whatever is left when the flare has ended, remove_flare() removes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "message/layout.h"
#include "message/transport.h"

namespace gust::transport {

struct BackendOptions {
  /// Where the server is, with what it takes to be let in; a secret. redis://[[user]:password@]host[:port][/db],
  /// rediss://…, amqp://user:password@host[:port][/vhost][?durable=true],
  /// s3://key:secret@host[:port]/bucket[/prefix][?region=R]
  /// [&tls=false][&session_token=T].
  std::string uri;
  std::string flare_id;               ///< 32 characters
  std::size_t chunk_bytes = 1 << 20;  ///< payload of the largest frame to come
};

/// "gust:<flare id>:", with '/' for ':' where the server has folders.
inline std::string name_prefix(std::string_view flare_id, char separator = ':') {
  return std::string("gust") + separator + std::string(flare_id) + separator;
}

/// One kind of transport.
struct Backend {
  const char* name = nullptr;  ///< as in `backend=`
  /// Connects; starts the threads that receive. kInvalid for a URI that is none, kUnavailable when the server cannot be
  /// reached, naming it without its password.
  Result<std::unique_ptr<message::Transport>> (*open)(const message::Layout& layout, const BackendOptions& options,
                                                      message::FrameSink& sink) = nullptr;
  /// Removes everything of a flare of `packs` packs. Blocks, for at most some seconds. Of a flare that is gone:
  /// success.
  Result<void> (*remove_flare)(const BackendOptions& options, std::uint32_t packs) = nullptr;
};

/// What a shared object exports as `gust_backend_library`.
struct BackendLibrary {
  const char* build = nullptr;  ///< kBackendBuild of the build that it comes from
  const Backend* backends = nullptr;
  std::size_t count = 0;
};

inline constexpr const char* kBackendLibrarySymbol = "gust_backend_library";

/// The names that `backend=` may have, "tcp" first, which is none of these.
std::span<const std::string_view> backend_names();

/// "redis" for redis-list: the name of the setting that has the server's URI, and of the shared object
/// gust-transport-redis.so. Empty for tcp and for unknown names.
std::string_view backend_setting(std::string_view name);

/// Loads the shared object that has this backend, from `directory`; once, it is never unloaded. kInvalid for an unknown
/// name, kNotFound with the file's path, kVersionMismatch. Thread-safe; may block on a disk.
Result<const Backend*> load_backend(std::string_view name, const std::string& directory);

}  // namespace gust::transport
