#include "pack/unpack.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <minizip/unzip.h>
#include <string_view>
#include <sys/stat.h>
#include <vector>

#include "base/fd.h"
#include "base/write_all.h"

namespace gust::pack {

namespace {

// The limits of src/openwhisk/zip_package.h, which looks at archives when they are deployed.
constexpr std::uint64_t kMaxUnpackedBytes = std::uint64_t{512} << 20;
constexpr std::uint64_t kMaxEntries = 20'000;
constexpr std::uint64_t kMaxRatio = 100;
constexpr std::uint64_t kRatioMatters = std::uint64_t{10} << 20;
constexpr std::size_t kLongestName = 4096;

struct Entry {
  std::string name;
  std::uint64_t size = 0;
  std::uint32_t mode = 0;
};

std::unexpected<Error> refuse(const std::string& what) { return fail(ErrorCode::kInvalid, "the zip archive " + what); }

bool leads_out(std::string_view name) {
  if (name.empty() || name.starts_with('/') || name.find_first_of(std::string_view("\\\0", 2)) != name.npos)
    return true;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (name.substr(begin, end - begin) == "..") return true;
    begin = end + 1;
  }
  return false;
}

class Archive {
 public:
  static Result<Archive> open(const std::string& path, std::string folder) {
    unzFile file = unzOpen64(path.c_str());
    if (file == nullptr) return refuse("is damaged: its directory cannot be read");
    return Archive(file, std::move(folder));
  }

  Result<void> unpack(std::uint64_t packed) {
    unz_global_info64 all{};
    if (unzGetGlobalInfo64(file_.get(), &all) != UNZ_OK) return refuse("is damaged: its directory cannot be read");
    if (all.number_entry > kMaxEntries) return refuse("has more than " + std::to_string(kMaxEntries) + " entries");
    std::uint64_t total = 0;
    for (std::uint64_t i = 0; i < all.number_entry; ++i) {
      const int found = i == 0 ? unzGoToFirstFile(file_.get()) : unzGoToNextFile(file_.get());
      if (found != UNZ_OK) return refuse("is damaged: its directory ends early");
      const Entry entry = GUST_TRY(look());
      total += entry.size;
      if (total > kMaxUnpackedBytes) {
        return refuse("unpacks to more than 512 MB: load what is large at run time");
      }
      if (total > kRatioMatters && total / kMaxRatio > packed) {
        return refuse("unpacks to more than 100 times its size; it looks like a bomb");
      }
      GUST_TRY_VOID(extract(entry));
    }
    return {};
  }

 private:
  Archive(unzFile file, std::string folder) : file_(file, &unzClose), folder_(std::move(folder)) {}

  Result<Entry> look() {
    std::vector<char> name(kLongestName);
    unz_file_info64 info{};
    if (unzGetCurrentFileInfo64(file_.get(), &info, name.data(), name.size(), nullptr, 0, nullptr, 0) != UNZ_OK ||
        info.size_filename >= name.size()) {
      return refuse("is damaged: an entry cannot be read");
    }
    Entry entry{.name = std::string(name.data(), info.size_filename),
                .size = info.uncompressed_size,
                .mode = static_cast<std::uint32_t>(info.external_fa >> 16)};
    const std::string quoted = "has an entry '" + entry.name.substr(0, 200) + "'";
    if (leads_out(entry.name)) return refuse(quoted + ", which leads out of it; make it with relative paths");
    const std::uint32_t type = entry.mode & S_IFMT;
    if (type != 0 && type != S_IFREG && type != S_IFDIR) {
      return refuse(quoted + " that is a link or a device; put the file itself in");
    }
    if ((info.flag & 1) != 0) return refuse(quoted + " that is encrypted; make it without a password");
    return entry;
  }

  Result<void> extract(const Entry& entry) {
    const std::string path = folder_ + "/" + entry.name;
    for (std::size_t slash = path.find('/', folder_.size() + 1); slash != path.npos;
         slash = path.find('/', slash + 1)) {
      if (::mkdir(path.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST)
        return fail_errno("unpack " + path, errno);
    }
    if (entry.name.ends_with('/')) return {};
    const bool executable = (entry.mode & 0111) != 0;
    const UniqueFd file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, executable ? 0755 : 0644));
    if (!file) return fail_errno("unpack " + path, errno);
    return copy(entry, file.get());
  }

  Result<void> copy(const Entry& entry, int to) {
    const std::string damaged = "is damaged: '" + entry.name.substr(0, 200) + "' cannot be unpacked";
    if (unzOpenCurrentFile(file_.get()) != UNZ_OK) return refuse(damaged);
    std::vector<char> buffer(64 << 10);
    std::uint64_t left = entry.size;
    while (true) {
      const int got = unzReadCurrentFile(file_.get(), buffer.data(), static_cast<unsigned>(buffer.size()));
      if (got == 0) break;
      if (got < 0 || static_cast<std::uint64_t>(got) > left) return refuse(damaged);
      left -= static_cast<std::uint64_t>(got);
      GUST_TRY_VOID(write_all(to, {buffer.data(), static_cast<std::size_t>(got)}));
    }
    if (unzCloseCurrentFile(file_.get()) != UNZ_OK || left != 0) return refuse(damaged);  // the checksum, too
    return {};
  }

  std::unique_ptr<void, int (*)(unzFile)> file_;
  std::string folder_;
};

}  // namespace

Result<void> unpack_zip(const std::string& archive, const std::string& folder) {
  struct stat status{};
  if (::stat(archive.c_str(), &status) != 0) return fail_errno("look at " + archive, errno);
  return GUST_TRY(Archive::open(archive, folder)).unpack(static_cast<std::uint64_t>(status.st_size));
}

bool has_entry(const std::string& archive, const std::string& name) {
  const std::unique_ptr<void, int (*)(unzFile)> file(unzOpen64(archive.c_str()), &unzClose);
  constexpr int kCaseSensitive = 1;
  return file && unzLocateFile(file.get(), name.c_str(), kCaseSensitive) == UNZ_OK;
}

}  // namespace gust::pack
