#include "container/images/image_drivers.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <sys/epoll.h>
#include <utility>

#include "container/images/environment.h"

namespace gust::container {
namespace {

/// Launchers without containers, kept for the next use of their image: some 2 MB each.
constexpr std::size_t kKeptIdle = 4;
/// Of a digest, in the names of directories: unlikely to be the same for two.
constexpr std::size_t kShownDigits = 16;

bool watch(const UniqueFd& poller, int descriptor) {
  epoll_event event{.events = EPOLLIN, .data = {}};
  return epoll_ctl(poller.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

}  // namespace

Result<std::unique_ptr<Driver>> ImageDrivers::create(std::unique_ptr<Driver> host, ImageStore store,
                                                     std::string state_dir, MakeImageDriver make) {
  UniqueFd poller(epoll_create1(EPOLL_CLOEXEC));
  if (!poller || !watch(poller, host->event_fd())) return fail_errno("watch the container drivers", errno);
  return std::make_unique<ImageDrivers>(std::move(host), std::move(store), std::move(state_dir), std::move(make),
                                        std::move(poller));
}

ImageDrivers::ImageDrivers(std::unique_ptr<Driver> host, ImageStore store, std::string state_dir, MakeImageDriver make,
                           UniqueFd poller)
    : host_(std::move(host)),
      store_(std::move(store)),
      state_dir_(std::move(state_dir)),
      make_(std::move(make)),
      poller_(std::move(poller)) {}

ImageDrivers::~ImageDrivers() {
  while (!parts_.empty()) close(parts_.begin());
}

Result<void> ImageDrivers::start(std::vector<Spec> specs) {
  std::vector<Spec> of_host;
  std::map<std::string, std::vector<Spec>> of_images;
  for (Spec& spec : specs) (spec.image.empty() ? of_host : of_images[spec.image]).push_back(std::move(spec));
  for (auto& [image, of_image] : of_images) {
    Part& part = *GUST_TRY(part_for(image));
    std::vector<ContainerId> ids;
    for (Spec& spec : of_image) {
      ids.push_back(spec.id);
      spec.image.clear();
      spec.environment = with_image_environment(part.held.image, std::move(spec.environment));
    }
    GUST_TRY_VOID(part.driver->start(std::move(of_image)));
    part.containers += ids.size();
    for (const ContainerId id : ids) containers_.emplace(id, &part);
  }
  return of_host.empty() ? Result<void>() : host_->start(std::move(of_host));
}

Result<ImageDrivers::Part*> ImageDrivers::part_for(const std::string& image) {
  HeldImage held = GUST_TRY(store_.hold(image));
  const std::string digest = held.image.digest;
  if (const auto found = parts_.find(digest); found != parts_.end()) {
    found->second.last_used = ++uses_;
    return &found->second;
  }
  close_idle(kKeptIdle);
  Part part{.held = std::move(held),
            .state_dir = state_dir_ + "/image-" + digest.substr(0, kShownDigits),
            .driver = nullptr,
            .last_used = ++uses_};
  auto driver = make_(part.held.image, part.state_dir);
  if (!driver) return std::unexpected(driver.error().while_doing("image '" + image + "'"));
  part.driver = *std::move(driver);
  if (!watch(poller_, part.driver->event_fd())) return fail_errno("watch the container drivers", errno);
  return &parts_.emplace(digest, std::move(part)).first->second;
}

/// Closes the launchers that have nothing to do, but for those used last.
void ImageDrivers::close_idle(std::size_t kept) {
  while (true) {
    auto oldest = parts_.end();
    std::size_t idle = 0;
    for (auto part = parts_.begin(); part != parts_.end(); ++part) {
      if (part->second.containers > 0) continue;
      ++idle;
      if (oldest == parts_.end() || part->second.last_used < oldest->second.last_used) oldest = part;
    }
    if (idle < kept) return;
    close(oldest);
  }
}

void ImageDrivers::close(std::map<std::string, Part>::iterator part) {
  std::erase_if(containers_, [&](const auto& entry) { return entry.second == &part->second; });
  const std::string state_dir = part->second.state_dir;
  parts_.erase(part);
  std::error_code ignored;
  std::filesystem::remove_all(state_dir, ignored);
  store_.clean();  // it may have been the last to need an image whose name is gone
}

void ImageDrivers::kill(ContainerId id) {
  const auto found = containers_.find(id);
  found == containers_.end() ? host_->kill(id) : found->second->driver->kill(id);
}

Result<void> ImageDrivers::read_events(const Events& events) {
  GUST_TRY_VOID(host_->read_events(events));
  for (auto& [unused, part] : parts_) GUST_TRY_VOID(read_part(part, events));
  return {};
}

Result<void> ImageDrivers::read_part(Part& part, const Events& events) {
  return part.driver->read_events({.launched = events.launched, .exited = [&](const Exited& exited) {
                                     --part.containers;
                                     containers_.erase(exited.id);
                                     events.exited(exited);
                                   }});
}

}  // namespace gust::container
