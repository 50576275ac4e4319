// Broken invariants end the process with a message: there is no state left worth handling.
#pragma once

#include <cstdio>
#include <cstdlib>

/// Aborts with the condition, the place and the message when the condition does not hold; in every build.
#define GUST_CHECK(condition, message)                                                                \
  do {                                                                                                \
    if (!(condition)) [[unlikely]] {                                                                  \
      std::fprintf(stderr, "%s:%d: %s does not hold: %s\n", __FILE__, __LINE__, #condition, message); \
      std::abort();                                                                                   \
    }                                                                                                 \
  } while (false)
