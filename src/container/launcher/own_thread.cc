#include "container/launcher/own_thread.h"

#include <unistd.h>

#include <sys/prctl.h>
#include <sys/syscall.h>

namespace gust::container {

OwnThread::OwnThread() {
  pid_t* number = nullptr;
  if (prctl(PR_GET_TID_ADDRESS, &number) != 0 || number == nullptr || *number != getpid()) return;
  if (syscall(SYS_get_robust_list, 0, &robust_list_, &robust_list_size_) != 0) return;
  number_ = number;
}

void OwnThread::restore_robust_list() const {
  if (robust_list_ != nullptr) syscall(SYS_set_robust_list, robust_list_, robust_list_size_);
}

}  // namespace gust::container
