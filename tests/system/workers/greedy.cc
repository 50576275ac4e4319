#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <gust/worker.h>
#include <sys/mman.h>
#include <vector>

// Takes as much as there is of what params.do names, and tells how much that was and with which error it ended.

namespace {

void* stay(void* /*unused*/) {
  while (true) pause();
}

gust::Json told(std::size_t got, int error) { return {{"got", got}, {"error", strerrorname_np(error)}}; }

gust::Json take_threads() {
  std::size_t count = 0;
  while (true) {
    pthread_t thread{};
    const int error = pthread_create(&thread, nullptr, stay, nullptr);
    if (error != 0) return told(count, error);
    ++count;
  }
}

gust::Json take_files() {
  std::size_t count = 0;
  while (open("/dev/null", O_RDONLY) >= 0) ++count;
  return told(count, errno);
}

gust::Json take_disk() {
  const int file = open("/tmp/large", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const std::vector<char> part(1 << 16, 'x');
  std::size_t bytes = 0;
  for (ssize_t size = 0; (size = write(file, part.data(), part.size())) > 0;) bytes += static_cast<std::size_t>(size);
  const int error = errno;
  unlink("/tmp/large");
  return told(bytes, error);
}

[[noreturn]] void take_memory() {
  constexpr std::size_t kPart = 1 << 20;
  while (true) {
    void* part = mmap(nullptr, kPart, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (part != MAP_FAILED) std::memset(part, 1, kPart);
  }
}

}  // namespace

gust::Json work(const gust::Json& params, gust::Burst& /*burst*/) {
  const std::string what = params.at("do");
  if (what == "threads") return take_threads();
  if (what == "files") return take_files();
  if (what == "disk") return take_disk();
  if (what == "memory") take_memory();
  while (true) pause();
}

GUST_WORKER(work)
