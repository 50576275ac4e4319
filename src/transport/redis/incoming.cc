#include "transport/redis/incoming.h"

#include <utility>

namespace gust::transport::redis {

Incoming::Incoming(Session& session, std::unique_ptr<Link> link, message::FrameSink& sink)
    : session_(session), intake_(session.layout(), sink), link_(std::move(link)) {}

Incoming::~Incoming() {
  {
    const MutexLock lock(mutex_);
    link_->shut();
  }
  if (thread_.joinable()) thread_.join();
}

void Incoming::start() {
  thread_ = std::thread([this] { run(); });
}

void Incoming::run() {
  const std::string key = session_.key(session_.layout().self());
  std::shared_ptr<Link> link;
  {
    const MutexLock lock(mutex_);
    link = link_;
  }
  while (true) {
    intake_.reset();
    const Error why = session_.queue().receive(*link, intake_, session_.life(), key, session_.ending());
    link = session_.reopen(why);
    if (!link) return;
    const MutexLock lock(mutex_);
    link_ = link;
  }
}

}  // namespace gust::transport::redis
