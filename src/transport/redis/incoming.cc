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
    const auto reader = session_.queue().reader(
        {.link = *link, .intake = intake_, .life = session_.life(), .key = key, .chunk_bytes = session_.chunk_bytes()});
    const auto ran = reader->run(session_.ending());
    link = session_.reopen(ran ? Error{ErrorCode::kUnavailable, "the transport has ended"} : ran.error());
    if (!link) return;
    const MutexLock lock(mutex_);
    link_ = link;
  }
}

}  // namespace gust::transport::redis
