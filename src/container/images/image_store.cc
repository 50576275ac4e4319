#include "container/images/image_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fmt/format.h>
#include <set>
#include <sys/file.h>

#include "base/files.h"
#include "base/ids.h"
#include "base/image_name.h"
#include "base/json.h"

namespace gust::container {

namespace fs = std::filesystem;

namespace {

std::string file_name(std::string_view name) {
  std::string text(name);
  std::ranges::replace(text, '/', '%');
  return text;
}

UniqueFd open_directory(const fs::path& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/// Symbolic links are removed, not followed; directories without permissions are given them.
void remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (!error) return;
  for (auto at = fs::recursive_directory_iterator(path, error); !error && at != fs::recursive_directory_iterator();
       at.increment(error)) {
    std::error_code ignored;
    if (at->symlink_status(ignored).type() == fs::file_type::directory) {
      fs::permissions(at->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
    }
  }
  fs::remove_all(path, error);
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::unexpected<Error> unknown(std::string_view name, const fs::path& directory) {
  return fail(ErrorCode::kNotFound, fmt::format("there is no image '{0}' in {1}; import it on this machine: gust image "
                                                "import {0} FILE.tar, oci:DIRECTORY or docker://REFERENCE",
                                                name, directory.string()));
}

Json to_json(const Image& image) {
  return {{"digest", image.digest},
          {"source", image.source},
          {"environment", image.environment},
          {"command", image.command},
          {"working_directory", image.working_directory},
          {"bytes", image.size.count()}};
}

}  // namespace

IncomingImage::~IncomingImage() {
  if (lock_) remove_tree(path_);
}

fs::path ImageStore::default_directory() {
  const char* home = std::getenv("HOME");
  if (::geteuid() == 0 || home == nullptr) return "/var/lib/gust/images";
  return fs::path(home) / ".local/share/gust/images";
}

/// Of whoever changes the store.
Result<UniqueFd> ImageStore::lock() const {
  std::error_code error;
  fs::create_directories(directory_, error);
  // Names and trees are this user's: set-user-id programs of an image are gone, but old ones may have known holes.
  if (!error) fs::permissions(directory_, fs::perms::owner_all, error);
  for (const char* part : {"trees", "names", "incoming"}) {
    if (!error) fs::create_directory(directory_ / part, error);
  }
  if (error) {
    return fail(ErrorCode::kInvalid,
                fmt::format("cannot use {} for images: {}; name another directory with --image-dir",
                            directory_.string(), error.message()));
  }
  UniqueFd file(::open((directory_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  while (file && ::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) file.reset();
  }
  if (!file) return fail_errno("lock " + directory_.string(), errno);
  return file;
}

Result<std::string> ImageStore::digest_of(std::string_view name) const {
  GUST_TRY_VOID(check_image_name(name));
  std::error_code error;
  const fs::path target = fs::read_symlink(directory_ / "names" / file_name(name), error);
  if (error) return unknown(name, directory_);
  return target.filename().string();
}

Result<Image> ImageStore::read(const std::string& digest) const {
  const std::string text = GUST_TRY(read_whole_file(tree(digest) / "image.json"));
  const Json json = GUST_TRY(parse_json(text, (tree(digest) / "image.json").string()));
  Image image;
  image.digest = digest;
  image.root = fs::absolute(tree(digest) / "root");
  image.source = json.value("source", "");
  image.environment = json.value("environment", std::vector<std::string>());
  image.command = json.value("command", std::vector<std::string>());
  image.working_directory = json.value("working_directory", "");
  image.size = Bytes(json.value("bytes", std::uint64_t{0}));
  return image;
}

Result<HeldImage> ImageStore::hold(std::string_view name) const {
  // A name may come to mean another tree, and the old one be removed, in between: then again.
  for (int attempt = 0; attempt < 3; ++attempt) {
    const std::string digest = GUST_TRY(digest_of(name));
    UniqueFd lock = open_directory(tree(digest));
    // Waits for those only who look whether anybody holds it, or remove it.
    if (!lock || ::flock(lock.get(), LOCK_SH) != 0) continue;
    auto image = read(digest);
    if (image) return HeldImage{*std::move(image), std::move(lock)};
  }
  return unknown(name, directory_);
}

Result<std::vector<NamedImage>> ImageStore::list() const {
  std::vector<NamedImage> images;
  for (std::string name : names_in(directory_ / "names")) {
    std::ranges::replace(name, '%', '/');
    const auto digest = digest_of(name);
    if (!digest) continue;  // a link that is being made
    auto image = read(*digest);
    if (image) images.push_back({name, *std::move(image), !take(*digest)});
  }
  return images;
}

UniqueFd ImageStore::take(const std::string& digest) const {
  UniqueFd directory = open_directory(tree(digest));
  if (directory && ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) directory.reset();
  return directory;
}

Result<IncomingImage> ImageStore::begin() const {
  const UniqueFd locked = GUST_TRY(lock());
  clean_locked();
  const fs::path path = fs::absolute(directory_ / "incoming" / random_hex_id());
  std::error_code error;
  fs::create_directory(path, error);
  UniqueFd directory = error ? UniqueFd() : open_directory(path);
  if (!directory || ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::kInvalid, fmt::format("cannot make {}: {}", path.string(), error.message()));
  }
  return IncomingImage(path, std::move(directory));
}

Result<void> ImageStore::publish(IncomingImage incoming, std::string_view name, const Image& image) const {
  GUST_TRY_VOID(check_image_name(name));
  GUST_TRY_VOID(write_whole_file(incoming.path() / "image.json", dump_json(to_json(image)) + "\n"));
  const UniqueFd locked = GUST_TRY(lock());
  std::error_code error;
  if (!fs::exists(tree(image.digest), error)) {
    fs::rename(incoming.path(), tree(image.digest), error);
    if (!error) incoming.keep();
  }
  const fs::path link = directory_ / "names" / file_name(name);
  const fs::path fresh = directory_ / "incoming" / random_hex_id();
  if (!error) fs::create_symlink(fs::path("../trees") / image.digest, fresh, error);
  if (!error) fs::rename(fresh, link, error);
  if (error) {
    return fail(ErrorCode::kInvalid,
                fmt::format("cannot put image '{}' into {}: {}", name, directory_.string(), error.message()));
  }
  return {};
}

Result<bool> ImageStore::remove(std::string_view name) const {
  const UniqueFd locked = GUST_TRY(lock());
  const std::string digest = GUST_TRY(digest_of(name));
  std::error_code error;
  fs::remove(directory_ / "names" / file_name(name), error);
  if (error) return fail(ErrorCode::kInvalid, fmt::format("cannot remove image '{}': {}", name, error.message()));
  clean_locked();
  return !fs::exists(tree(digest), error);
}

void ImageStore::clean() const {
  std::error_code error;
  if (!fs::exists(directory_, error)) return;
  if (const auto locked = lock()) clean_locked();
}

void ImageStore::clean_locked() const {
  std::set<std::string> named;
  std::error_code error;
  for (const std::string& name : names_in(directory_ / "names")) {
    named.insert(fs::read_symlink(directory_ / "names" / name, error).filename().string());
  }
  for (const std::string& digest : names_in(directory_ / "trees")) {
    if (named.contains(digest)) continue;
    if (const UniqueFd taken = take(digest)) fs::rename(tree(digest), directory_ / "incoming" / random_hex_id(), error);
  }
  for (const std::string& left : names_in(directory_ / "incoming")) {
    const fs::path path = directory_ / "incoming" / left;
    const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory || ::flock(directory.get(), LOCK_EX | LOCK_NB) == 0) remove_tree(path);
  }
}

}  // namespace gust::container
