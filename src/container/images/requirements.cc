#include "container/images/requirements.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <memory>
#include <optional>
#include <string_view>
#include <sys/syscall.h>
#include <tuple>
#include <utility>
#include <vector>

#include "base/fd.h"

namespace gust::container {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "GLIBC_";
constexpr const char* kLibraryDirectories[] = {"lib/x86_64-linux-gnu",
                                               "usr/lib/x86_64-linux-gnu",
                                               "lib/aarch64-linux-gnu",
                                               "usr/lib/aarch64-linux-gnu",
                                               "lib64",
                                               "usr/lib64",
                                               "lib",
                                               "usr/lib"};

class ElfFile {
 public:
  explicit ElfFile(UniqueFd file) : file_(std::move(file)) {
    if (file_ && elf_version(EV_CURRENT) != EV_NONE) elf_.reset(elf_begin(file_.get(), ELF_C_READ, nullptr));
    if (elf_ && gelf_getehdr(elf_.get(), &header_) == nullptr) elf_.reset();
  }
  [[nodiscard]] explicit operator bool() const { return elf_ != nullptr; }
  [[nodiscard]] Elf* get() const { return elf_.get(); }
  [[nodiscard]] const GElf_Ehdr& header() const { return header_; }

  /// The loader that it names.
  [[nodiscard]] std::string interpreter() const {
    std::size_t count = 0;
    elf_getphdrnum(elf_.get(), &count);
    for (std::size_t i = 0; i < count; ++i) {
      GElf_Phdr segment;
      if (gelf_getphdr(elf_.get(), static_cast<int>(i), &segment) == nullptr || segment.p_type != PT_INTERP) continue;
      std::string text(std::min<std::size_t>(segment.p_filesz, PATH_MAX), '\0');
      const ssize_t size = pread(file_.get(), text.data(), text.size(), static_cast<off_t>(segment.p_offset));
      text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
      return text.substr(0, text.find('\0'));
    }
    return {};
  }

  /// The names of versions that it needs of others (SHT_GNU_verneed) or has itself (SHT_GNU_verdef).
  [[nodiscard]] std::vector<std::string> versions(std::uint32_t section_type) const {
    std::vector<std::string> names;
    for (Elf_Scn* section = elf_nextscn(elf_.get(), nullptr); section != nullptr;
         section = elf_nextscn(elf_.get(), section)) {
      GElf_Shdr header;
      if (gelf_getshdr(section, &header) == nullptr || header.sh_type != section_type) continue;
      Elf_Data* data = elf_getdata(section, nullptr);
      if (data != nullptr) collect(*data, header, names);
    }
    return names;
  }

 private:
  void collect(Elf_Data& data, const GElf_Shdr& header, std::vector<std::string>& names) const {
    const auto add = [&](std::size_t name) {
      if (const char* text = elf_strptr(elf_.get(), header.sh_link, name)) names.emplace_back(text);
    };
    int at = 0;
    for (GElf_Word i = 0; i < header.sh_info; ++i) {
      int next = 0;
      if (header.sh_type == SHT_GNU_verdef) {
        GElf_Verdef definition;
        GElf_Verdaux name;
        if (gelf_getverdef(&data, at, &definition) == nullptr) return;
        if (gelf_getverdaux(&data, at + static_cast<int>(definition.vd_aux), &name) != nullptr) add(name.vda_name);
        next = static_cast<int>(definition.vd_next);
      } else {
        GElf_Verneed need;
        if (gelf_getverneed(&data, at, &need) == nullptr) return;
        int name_at = at + static_cast<int>(need.vn_aux);
        for (GElf_Half j = 0; j < need.vn_cnt; ++j) {
          GElf_Vernaux name;
          if (gelf_getvernaux(&data, name_at, &name) == nullptr) return;
          add(name.vna_name);
          name_at += static_cast<int>(name.vna_next);
        }
        next = static_cast<int>(need.vn_next);
      }
      if (next == 0) return;
      at += next;
    }
  }

  struct End {
    void operator()(Elf* elf) const { elf_end(elf); }
  };
  UniqueFd file_;
  std::unique_ptr<Elf, End> elf_;
  GElf_Ehdr header_{};
};

/// As a process sees it whose root `root` is: links do not lead out.
UniqueFd open_inside(const UniqueFd& root, const std::string& path) {
  const open_how how{.flags = O_RDONLY | O_CLOEXEC, .mode = 0, .resolve = RESOLVE_IN_ROOT};
  return UniqueFd(static_cast<int>(syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
}

/// "GLIBC_2.34" as (2, 34, 0); nothing for names that are no versions, as GLIBC_PRIVATE.
std::optional<std::tuple<int, int, int>> number(std::string_view version) {
  if (!version.starts_with(kPrefix)) return std::nullopt;
  int major = 0;
  int minor = 0;
  int patch = 0;
  const std::string text(version.substr(kPrefix.size()));
  if (std::sscanf(text.c_str(), "%d.%d.%d", &major, &minor, &patch) < 2) return std::nullopt;
  return std::tuple(major, minor, patch);
}

std::string newest(const std::vector<std::string>& versions) {
  std::string found;
  for (const std::string& version : versions) {
    if (number(version) && (found.empty() || *number(version) > *number(found))) found = version;
  }
  return found;
}

std::string shown(std::string_view version) { return "glibc " + std::string(version.substr(kPrefix.size())); }

}  // namespace

Result<Requirements> requirements_of(const fs::path& program) {
  const ElfFile file(UniqueFd(open(program.c_str(), O_RDONLY | O_CLOEXEC)));
  const std::string loader = file ? file.interpreter() : "";
  if (loader.empty()) {
    return fail(ErrorCode::kInvalid, fmt::format("{} is not a dynamically linked program", program.string()));
  }
  return Requirements{
      .loader = loader, .libc_version = newest(file.versions(SHT_GNU_verneed)), .machine = file.header().e_machine};
}

Result<void> check_image(const fs::path& root, const Requirements& needed) {
  const UniqueFd directory(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return fail_errno("open " + root.string(), errno);
  const std::string wanted = needed.libc_version.empty() ? "glibc" : shown(needed.libc_version) + " or newer";
  const auto lacks = [&](const std::string& what) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the image {}; packs need {} in it: take an image of a distribution that has that, as "
                            "Debian 12 or Ubuntu 22.04, not Alpine",
                            what, wanted));
  };
  const ElfFile loader(open_inside(directory, needed.loader));
  if (!loader) return lacks(fmt::format("has no {}", needed.loader));
  if (loader.header().e_machine != needed.machine) {
    return fail(ErrorCode::kInvalid, "the image is for another processor than this machine's; take the one for it");
  }
  for (const char* library : kLibraryDirectories) {
    const ElfFile libc(open_inside(directory, std::string(library) + "/libc.so.6"));
    if (!libc || libc.header().e_machine != needed.machine) continue;
    const std::string found = newest(libc.versions(SHT_GNU_verdef));
    if (found.empty()) continue;
    if (needed.libc_version.empty() || *number(found) >= *number(needed.libc_version)) return {};
    return lacks(fmt::format("has {}", shown(found)));
  }
  return lacks("has no libc.so.6");
}

}  // namespace gust::container
