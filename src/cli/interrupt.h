// Notices SIGINT and SIGTERM without ending the process, for as long as it lives.
#pragma once

#include <csignal>

namespace gust::cli {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  [[nodiscard]] bool happened() const;

 private:
  struct sigaction earlier_int_{};
  struct sigaction earlier_term_{};
};

}  // namespace gust::cli
