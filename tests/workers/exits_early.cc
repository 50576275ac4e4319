#include <cstdlib>
#include <gust/worker.h>

// Ends the process while it is being loaded.
[[gnu::constructor]] static void leave() { std::exit(5); }

static gust::Json work(const gust::Json&, gust::Burst&) { return nullptr; }

GUST_WORKER(work)
