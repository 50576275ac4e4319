// The gRPC library, as controller and invoker use it.
#pragma once

namespace gust::protocol {

/// To be called before the library's first object is made; any number of times, from any thread. The library stays
/// initialised until the process ends: when its last object goes, it can wait for ten seconds for a thread of its own.
void init_grpc();

}  // namespace gust::protocol
