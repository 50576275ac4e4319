// How a pack that exists before anybody needs it learns what it is for. gust-launcher starts it as
// `gust-pack --prewarmed THREADS` or `gust-pack --prewarmed-python FOLDER`; file descriptor 3 is then a Unix socket of
// type SOCK_SEQPACKET to the launcher. The pack makes its threads, or starts a Python interpreter, says one byte, and
// waits. A flare that claims it gives it, in one packet, its three descriptors, its limits and its environment; from
// there on it is like one that was just created.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gust::pack {

/// The arguments that make gust-pack such a one; the number of threads to make ahead follows, or the folder of the
/// Python (with bin/python3; empty for the first that there is).
inline constexpr char kPrewarmedFlag[] = "--prewarmed";
inline constexpr char kPrewarmedPythonFlag[] = "--prewarmed-python";

/// What such a one has ready.
struct Prewarmed {
  std::uint32_t threads = 0;
  const char* python = nullptr;  ///< folder of the interpreter that runs; null for none
};

inline constexpr std::uint32_t kClaimMagic = 0x31434c47;  // "GLC1"
inline constexpr std::size_t kMaxClaimBytes = 72 << 10;   ///< a launcher's packet has 64 KiB
inline constexpr std::size_t kClaimDescriptors = 3;       ///< the pack's socket, standard output, standard error

/// Written by the launcher, read by the pack. The environment follows: strings that each end with a zero byte.
struct Claim {
  std::uint32_t magic = kClaimMagic;
  std::uint32_t environment_size = 0;
  std::uint64_t data_limit = 0;  ///< bytes, for RLIMIT_DATA, with the stacks of `workers`; 0 for none
  std::uint32_t open_files = 0;
  std::uint32_t processes = 0;  ///< for RLIMIT_NPROC, with the threads of `workers`; 0 for none
  std::uint32_t workers = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(Claim) == 32);

/// In the pack, on its main thread, before any user code: says that it is ready, waits, and takes over descriptors,
/// environment and limits. `threads` were made ahead: those that `claim.workers` do not need are not counted. False
/// when the launcher is gone or broke the rules.
bool await_claim(std::uint32_t threads);

}  // namespace gust::pack
