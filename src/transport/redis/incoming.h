// The connection on which a pack reads its own queue, and the thread that does it.
#pragma once

#include <memory>
#include <thread>

#include "base/mutex.h"
#include "message/transport.h"
#include "transport/redis/intake.h"
#include "transport/redis/session.h"

namespace gust::transport::redis {

class Incoming {
 public:
  Incoming(Session& session, std::unique_ptr<Link> link, message::FrameSink& sink);
  /// After Session::end(). The sink is not called afterwards.
  ~Incoming();
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  void start();

 private:
  void run();

  Session& session_;
  Intake intake_;
  Mutex mutex_;
  std::shared_ptr<Link> link_ GUST_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace gust::transport::redis
