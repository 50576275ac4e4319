#include "worker/inspect.h"

#include <gelf.h>

#include <cstring>
#include <gust/gust.h>
#include <memory>
#include <optional>
#include <string>

namespace gust::worker {

namespace {

#if defined(__x86_64__)
constexpr int kMachine = EM_X86_64;
constexpr char kMachineName[] = "x86-64";
#elif defined(__aarch64__)
constexpr int kMachine = EM_AARCH64;
constexpr char kMachineName[] = "aarch64";
#else
#error "unknown machine: name its e_machine here"
#endif

struct ElfEnd {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, ElfEnd>;

std::unexpected<Error> invalid(std::string message) { return fail(ErrorCode::kInvalid, std::move(message)); }

Result<void> check_kind(const GElf_Ehdr& header) {
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != kMachine) {
    return invalid(std::string("the object was built for another machine; this cluster runs 64-bit ") + kMachineName);
  }
  if (header.e_type != ET_DYN) {
    return invalid(
        "the file is an ELF file but not a shared object; build it with `gust build`, or with -shared -fPIC");
  }
  return {};
}

/// The worker symbol in the table of exported symbols.
std::optional<GElf_Sym> find_worker_symbol(Elf* elf) {
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_DYNSYM) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr || header.sh_entsize != sizeof(Elf64_Sym)) continue;
    const auto count = static_cast<int>(data->d_size / sizeof(Elf64_Sym));
    for (int i = 0; i < count; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, i, &symbol) == nullptr) break;
      const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
      if (name == nullptr || std::strcmp(name, GUST_WORKER_SYMBOL) != 0) continue;
      if (symbol.st_shndx != SHN_UNDEF && GELF_ST_BIND(symbol.st_info) != STB_LOCAL) return symbol;
    }
  }
  return std::nullopt;
}

/// The bytes that will stand at `address` when the object is loaded, where they come from the file. The loader goes by
/// segments, so this does, too; before relocation, which the two integers in question do not need.
std::optional<std::string_view> bytes_at(Elf* elf, std::string_view file, GElf_Addr address, std::size_t size) {
  std::size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr) return std::nullopt;
    if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
    const GElf_Addr inside = address - segment.p_vaddr;
    if (inside >= segment.p_filesz || size > segment.p_filesz - inside) continue;
    if (segment.p_offset > file.size() || inside > file.size() - segment.p_offset) return std::nullopt;
    const std::string_view rest = file.substr(segment.p_offset + inside);
    return rest.size() < size ? std::nullopt : std::optional(rest.substr(0, size));
  }
  return std::nullopt;
}

}  // namespace

Result<ObjectInfo> inspect_object(std::string_view elf_bytes) {
  if (!elf_bytes.starts_with(ELFMAG)) {
    return invalid("the file is not a shared object; make one from your source with `gust build hello.cc`");
  }
  if (elf_version(EV_CURRENT) == EV_NONE) return fail(ErrorCode::kInternal, "libelf is older than its header");
  // libelf takes a pointer to mutable memory and only reads it.
  const ElfHandle elf(elf_memory(const_cast<char*>(elf_bytes.data()), elf_bytes.size()));
  GElf_Ehdr header;
  if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr) {
    return invalid("the file begins like an ELF file but is damaged; build it again");
  }
  GUST_TRY_VOID(check_kind(header));

  const auto symbol = find_worker_symbol(elf.get());
  if (!symbol) {
    return invalid("the object does not export `" GUST_WORKER_SYMBOL
                   "`; end its source with GUST_WORKER(work), from <gust/worker.h>");
  }
  const auto bytes = bytes_at(elf.get(), elf_bytes, symbol->st_value, 2 * sizeof(std::uint32_t));
  if (!bytes || symbol->st_size < sizeof(gust_worker_object)) {
    return invalid("the object's `" GUST_WORKER_SYMBOL
                   "` is not a gust_worker_object; define it with GUST_WORKER(work)");
  }
  ObjectInfo info;
  std::memcpy(&info.abi_version, bytes->data(), sizeof info.abi_version);
  if (info.abi_version != GUST_ABI_VERSION) {
    return fail(ErrorCode::kVersionMismatch, "the object was built for version " + std::to_string(info.abi_version) +
                                                 " of Gust's ABI, and this Gust runs version " +
                                                 std::to_string(GUST_ABI_VERSION) +
                                                 "; build it again with this Gust's headers");
  }
  return info;
}

}  // namespace gust::worker
