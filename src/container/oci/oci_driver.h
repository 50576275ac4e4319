// The driver `oci`: each container is made by an OCI runtime (runc, crun, …) from a bundle that this driver writes.
// gust-launcher, as their keeper (keeper/), runs the runtimes and ends with all containers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "container/driver.h"
#include "container/images/image_store.h"
#include "container/make_driver.h"
#include "container/oci/runtime_cgroups.h"
#include "container/oci/runtime_config.h"

namespace gust::container {

class OciDriver final : public Driver {
 public:
  /// As make_driver(), with complete options; kDenied for other users than root; kNotFound for a runtime that is
  /// missing.
  static Result<std::unique_ptr<Driver>> create(DriverOptions options, ImageStore store);
  OciDriver(DriverOptions options, ImageStore store, OciRoot host, std::unique_ptr<Driver> keeper);
  ~OciDriver() override;

  [[nodiscard]] std::string_view name() const override { return keeper_->name(); }
  [[nodiscard]] std::string_view notice() const override { return {}; }
  [[nodiscard]] std::string path_inside(const std::string& path) const override;
  Result<void> start(std::vector<Spec> specs) override;
  void kill(ContainerId id) override { keeper_->kill(id); }
  [[nodiscard]] int event_fd() const override { return keeper_->event_fd(); }
  Result<void> read_events(const Events& events) override;

 private:
  /// An image that containers use, and how many.
  struct UsedImage {
    HeldImage held;
    OciRoot root;
    std::size_t containers = 0;
  };

  Result<UsedImage*> use(const std::string& name);
  Result<void> write_bundle(const Spec& spec, UsedImage* image) const;
  void add_common(OciRoot& root) const;
  void finish(Exited& exited);
  [[nodiscard]] std::string bundle_of(ContainerId id) const;
  [[nodiscard]] std::string reason(ContainerId id, std::string_view otherwise) const;

  DriverOptions options_;
  ImageStore store_;
  OciRoot host_;
  RuntimeCgroups cgroups_;
  std::map<std::string, UsedImage> images_;                  ///< by digest
  std::unordered_map<ContainerId, UsedImage*> containers_;   ///< null for the host's own programs
  std::unordered_map<ContainerId, std::size_t> duplicates_;  ///< starts with the id of one that lives, to be refused
  std::unique_ptr<Driver> keeper_;                           ///< ended before what it uses
};

}  // namespace gust::container
