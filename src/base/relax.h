// Between two looks at a word that another thread is about to change.
#pragma once

namespace gust {

/// Tells the processor that this is a loop of looks: it leaves more to its other thread meanwhile.
inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace gust
