// What monitoring reads of a controller: counts and distributions since its start, and how things stand now, in the
// text format of Prometheus and with its names and units (https://prometheus.io/docs/practices/naming/).
#pragma once

#include <memory>
#include <string>

#include "controller/controller.h"
#include "store/records.h"

namespace gust::controller {

/// Thread rule: only on the controller's strand.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void flare_ended(const store::FlareRecord& flare);
  void attempt_lost();
  void invoker_lost();

  /// All of it, and what `now` says.
  [[nodiscard]] std::string text(const Status& now) const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace gust::controller
