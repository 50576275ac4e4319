// What a shared object of backends begins with; for its library.cc and for the loader, which must agree.
#pragma once

#include "transport/backend.h"

#ifndef GUST_BACKEND_BUILD
#error "cmake/transport_library.cmake defines it"
#endif

namespace gust::transport {

/// Compiler, options and a digest of the headers whose types cross the border.
inline constexpr const char* kBackendBuild = GUST_BACKEND_BUILD;

}  // namespace gust::transport

/// Exports an array of Backend. Once in a shared object, outside of all namespaces.
#define GUST_BACKEND_LIBRARY(backend_array)                                                             \
  extern "C" [[gnu::visibility("default")]] const gust::transport::BackendLibrary gust_backend_library; \
  constinit const gust::transport::BackendLibrary gust_backend_library = {                              \
      gust::transport::kBackendBuild, backend_array, sizeof(backend_array) / sizeof((backend_array)[0])}
