#include "base/priority.h"

#include <unistd.h>

#include <sys/resource.h>

namespace gust {

namespace {

constexpr int kNice = -15;

}  // namespace

void run_ahead_of_others() { (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice); }

}  // namespace gust
