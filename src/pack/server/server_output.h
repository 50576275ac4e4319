// What an action's server writes to one of its streams.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"

namespace gust::pack {

/// Hands lines on to a descriptor of this process, whole and with a mark in front, except those that say that an
/// activation's log is over: these count.
class ServerOutput {
 public:
  static constexpr std::string_view kSentinel = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";

  /// `stream` is non-blocking.
  ServerOutput(UniqueFd stream, int to, std::string mark);

  [[nodiscard]] int fd() const { return stream_.get(); }
  /// Takes what is there; false when nothing more can come.
  bool read();
  /// Whether as many logs are over as activations were begun, or the stream is.
  [[nodiscard]] bool is_over() const { return ended_ || sentinels_ >= activations_; }
  void begin_activation() { ++activations_; }
  /// Hands on what stands without a line's end.
  void flush();

 private:
  void take_line(std::string_view line);
  void write(std::string_view line);

  UniqueFd stream_;
  int to_;
  std::string mark_;
  std::string partial_;
  unsigned activations_ = 0;
  unsigned sentinels_ = 0;
  bool ended_ = false;
};

}  // namespace gust::pack
