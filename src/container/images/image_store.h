// Where images are on this machine: a directory that any number of processes use at the same time.
//
//   trees/<digest>/root/        an unpacked image; trees/<digest>/image.json what else is known of it
//   names/<name>                a link to a tree, replaced in one step; '/' is written '%'
//   incoming/<random>/          what is being unpacked; held locked, so that what a killed import left is known
//
// A tree appears whole, by a rename. A name that is given again means the new tree from then on; a tree that no name
// means is removed when nobody holds it any more.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "container/images/image.h"

namespace gust::container {

/// What packs may run in: the tree stays for as long as this lives.
struct HeldImage {
  Image image;
  UniqueFd lock;
};

/// A directory for an import: removed with what is in it unless it was published.
class IncomingImage {
 public:
  IncomingImage(std::filesystem::path path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  IncomingImage(IncomingImage&&) = default;
  IncomingImage& operator=(IncomingImage&&) = delete;
  ~IncomingImage();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Where the tree is to be made.
  [[nodiscard]] std::filesystem::path root() const { return path_ / "root"; }
  /// For programs that write into it: for as long as one has it open the directory is not taken for abandoned.
  [[nodiscard]] int lock() const { return lock_.get(); }
  /// It has become a part of the store: nothing is to be removed.
  void keep() { lock_.reset(); }

 private:
  std::filesystem::path path_;
  UniqueFd lock_;
};

/// What one name stands for.
struct NamedImage {
  std::string name;
  Image image;
  bool in_use = false;
};

class ImageStore {
 public:
  /// Makes nothing: a directory that does not exist is an empty store.
  explicit ImageStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// Where images are when nobody says otherwise: /var/lib/gust/images for root, else ~/.local/share/gust/images.
  static std::filesystem::path default_directory();

  /// kInvalid for an impossible name, kNotFound with how to import it.
  [[nodiscard]] Result<HeldImage> hold(std::string_view name) const;
  /// By name.
  [[nodiscard]] Result<std::vector<NamedImage>> list() const;

  /// For an import; removes what killed ones left. kInvalid where nothing can be written.
  [[nodiscard]] Result<IncomingImage> begin() const;
  /// Makes a finished tree known by a name. What the name meant before is no longer meant. One that the store has
  /// already is used instead.
  [[nodiscard]] Result<void> publish(IncomingImage incoming, std::string_view name, const Image& image) const;
  /// Takes a name away. True when its tree went with it: it stays while another name or a pack needs it. kNotFound.
  [[nodiscard]] Result<bool> remove(std::string_view name) const;
  /// Removes what nobody names or holds. Blocks while another process changes the store.
  void clean() const;

 private:
  [[nodiscard]] Result<UniqueFd> lock() const;
  [[nodiscard]] Result<std::string> digest_of(std::string_view name) const;
  [[nodiscard]] Result<Image> read(const std::string& digest) const;
  [[nodiscard]] std::filesystem::path tree(const std::string& digest) const { return directory_ / "trees" / digest; }
  /// Held for as long as it is open, or nothing while somebody else holds the tree.
  [[nodiscard]] UniqueFd take(const std::string& digest) const;
  void clean_locked() const;

  std::filesystem::path directory_;
};

}  // namespace gust::container
