#include "container/launcher/own_code.h"

#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <vector>

#include "base/fd.h"

namespace gust::container {
namespace {

constexpr std::size_t kHugePage = 2 << 20;

struct Segment {
  char* address;
  std::size_t size;
  int protection;
};

bool huge_pages_are_given() {
  const UniqueFd file(open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC));
  char text[64];
  const ssize_t size = file ? read(file.get(), text, sizeof text) : -1;
  return size > 0 && std::string_view(text, static_cast<std::size_t>(size)).find("[never]") == std::string_view::npos;
}

/// Of one object, what no process writes to. The kernel's own (vDSO) is mapped for good as it is.
int add_segments(dl_phdr_info* object, std::size_t, void* segments) {
  if (object->dlpi_addr == getauxval(AT_SYSINFO_EHDR)) return 0;
  const auto page = static_cast<std::uintptr_t>(getpagesize());
  for (const ElfW(Phdr) & header : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
    if (header.p_type != PT_LOAD || (header.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (object->dlpi_addr + header.p_vaddr) & ~(page - 1);
    const std::uintptr_t end = (object->dlpi_addr + header.p_vaddr + header.p_memsz + page - 1) & ~(page - 1);
    const int executable = (header.p_flags & PF_X) != 0 ? PROT_EXEC : 0;
    static_cast<std::vector<Segment>*>(segments)->push_back(
        {reinterpret_cast<char*>(begin), end - begin, PROT_READ | executable});
  }
  return 0;
}

}  // namespace

void make_code_inheritable() {
  if (!huge_pages_are_given()) return;
  std::vector<Segment> segments;
  dl_iterate_phdr(add_segments, &segments);
  std::size_t size = 0;
  for (const Segment& segment : segments) size += segment.size;
  const std::size_t huge_size = (size + kHugePage - 1) / kHugePage * kHugePage;
  void* const reserved = mmap(nullptr, huge_size + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (reserved == MAP_FAILED) return;
  auto* const end = static_cast<char*>(reserved) + huge_size + kHugePage;
  char* const begin = end - huge_size - reinterpret_cast<std::uintptr_t>(end) % kHugePage;
  if (mprotect(begin, huge_size, PROT_READ | PROT_WRITE) == 0 && madvise(begin, huge_size, MADV_HUGEPAGE) == 0) {
    char* copy = begin;
    for (const Segment& segment : segments) {
      std::memcpy(copy, segment.address, segment.size);
      // Where memory that was written to may not become code (SELinux), code stays where it is.
      if (mprotect(copy, segment.size, segment.protection) == 0) {
        mremap(copy, segment.size, segment.size, MREMAP_MAYMOVE | MREMAP_FIXED, segment.address);
      }
      copy += segment.size;
    }
  }
  munmap(reserved, huge_size + kHugePage);
}

}  // namespace gust::container
