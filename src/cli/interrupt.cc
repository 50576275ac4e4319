#include "cli/interrupt.h"

namespace gust::cli {

namespace {
// A signal handler can reach nothing else.
volatile std::sig_atomic_t interrupted = 0;
}  // namespace

Interrupt::Interrupt() {
  interrupted = 0;
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = SA_RESTART;  // a request under way is still answered
  ::sigaction(SIGINT, &action, &earlier_int_);
  ::sigaction(SIGTERM, &action, &earlier_term_);
}

Interrupt::~Interrupt() {
  ::sigaction(SIGINT, &earlier_int_, nullptr);
  ::sigaction(SIGTERM, &earlier_term_, nullptr);
}

bool Interrupt::happened() const { return interrupted != 0; }

}  // namespace gust::cli
