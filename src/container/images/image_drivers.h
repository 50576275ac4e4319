// The sandbox driver as its users see it: one launcher for the host's own programs and, when an image is first asked
// for, one for that image, because a launcher lives in the root file system of its sandboxes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "container/driver.h"
#include "container/images/image_store.h"
#include "container/make_driver.h"

namespace gust::container {

/// A driver of whose containers all have this image, in `state_dir`.
using MakeImageDriver = std::function<Result<std::unique_ptr<Driver>>(const Image&, const std::string& state_dir)>;

class ImageDrivers final : public Driver {
 public:
  /// `host` serves the containers without an image. The others' state directories lie below `state_dir`.
  static Result<std::unique_ptr<Driver>> create(std::unique_ptr<Driver> host, ImageStore store, std::string state_dir,
                                                MakeImageDriver make);
  ImageDrivers(std::unique_ptr<Driver> host, ImageStore store, std::string state_dir, MakeImageDriver make,
               UniqueFd poller);
  ~ImageDrivers() override;

  [[nodiscard]] std::string_view name() const override { return host_->name(); }
  [[nodiscard]] std::string_view notice() const override { return host_->notice(); }
  [[nodiscard]] std::string path_inside(const std::string& path) const override { return host_->path_inside(path); }
  /// Blocks for some milliseconds when an image is first used: until its launcher is ready.
  Result<void> start(std::vector<Spec> specs) override;
  void kill(ContainerId id) override;
  [[nodiscard]] int event_fd() const override { return poller_.get(); }
  Result<void> read_events(const Events& events) override;

 private:
  struct Part {
    HeldImage held;
    std::string state_dir;
    std::unique_ptr<Driver> driver;
    std::size_t containers = 0;   ///< that have not ended
    std::uint64_t last_used = 0;  ///< greater is later
  };

  /// The part for this image, with its name's meaning of now.
  Result<Part*> part_for(const std::string& image);
  void close_idle(std::size_t kept);
  void close(std::map<std::string, Part>::iterator part);
  Result<void> read_part(Part& part, const Events& events);

  std::unique_ptr<Driver> host_;
  ImageStore store_;
  std::string state_dir_;
  MakeImageDriver make_;
  UniqueFd poller_;                                    ///< epoll(7) of all drivers' event descriptors
  std::map<std::string, Part> parts_;                  ///< by digest
  std::unordered_map<ContainerId, Part*> containers_;  ///< of images only
  std::uint64_t uses_ = 0;
};

}  // namespace gust::container
