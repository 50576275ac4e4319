#include "transport/backend.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/mutex.h"
#include "transport/backend_library.h"

namespace gust::transport {

namespace {

struct Entry {
  std::string_view name;
  std::string_view setting;
};

constexpr std::array<Entry, 4> kBackends = {{
    {"redis-list", "redis"},
    {"redis-stream", "redis"},
    {"rabbitmq", "rabbitmq"},
    {"s3", "s3"},
}};

constexpr std::array<std::string_view, 5> kNames = {"tcp", "redis-list", "redis-stream", "rabbitmq", "s3"};

std::string known_names() {
  std::string text;
  for (const std::string_view name : kNames) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

Result<const BackendLibrary*> open_library(const std::string& path) {
  // Asked first, because dlopen's own sentence for a missing file is that of a missing library of it.
  if (::access(path.c_str(), R_OK) != 0) {
    return fail(ErrorCode::kNotFound,
                path + " cannot be read: " + std::strerror(errno) + "; install all of gust's files into one folder");
  }
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) return fail(ErrorCode::kNotFound, std::string("cannot load ") + ::dlerror());
  const auto* library = static_cast<const BackendLibrary*>(::dlsym(object, kBackendLibrarySymbol));
  if (library == nullptr || library->build == nullptr || std::string_view(library->build) != kBackendBuild) {
    ::dlclose(object);
    return fail(ErrorCode::kVersionMismatch, path + " is of another build than this program; install both from one");
  }
  return library;
}

}  // namespace

std::span<const std::string_view> backend_names() { return kNames; }

std::string_view backend_setting(std::string_view name) {
  const auto* const found = std::ranges::find(kBackends, name, &Entry::name);
  return found == kBackends.end() ? std::string_view() : found->setting;
}

Result<const Backend*> load_backend(std::string_view name, const std::string& directory) {
  const std::string_view setting = backend_setting(name);
  if (setting.empty()) {
    return fail(ErrorCode::kInvalid, "'" + std::string(name) + "' is no backend that needs a server; there are " +
                                         known_names() + ", and tcp needs none");
  }
  static Mutex mutex;
  static std::map<std::string, const BackendLibrary*>* libraries = new std::map<std::string, const BackendLibrary*>;
  const std::string path = directory + "/gust-transport-" + std::string(setting) + ".so";
  const MutexLock lock(mutex);
  const BackendLibrary*& library = (*libraries)[path];
  if (library == nullptr) library = GUST_TRY(open_library(path));
  const std::span backends(library->backends, library->count);
  const auto found =
      std::ranges::find(backends, name, [](const Backend& backend) { return std::string_view(backend.name); });
  if (found == backends.end()) {
    return fail(ErrorCode::kVersionMismatch, path + " has no backend " + std::string(name));
  }
  return &*found;
}

}  // namespace gust::transport
