// What a pack receives: one thread lists the bucket for what is new and removes what has been received, a few others
// get objects and hand their frames over.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "message/buffer.h"
#include "message/layout.h"
#include "message/transport.h"
#include "objectstore/object_store.h"
#include "transport/s3/objects.h"

namespace gust::transport::s3 {

/// Receives from the constructor to the destructor. Thread-safe.
class Inbox {
 public:
  Inbox(objectstore::ObjectStore& store, const message::Layout& layout, const std::string& flare_id,
        std::size_t chunk_bytes, message::FrameSink& sink);
  /// Removes what has been received, if that takes no more than some seconds, unless stop() was called.
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  /// Something is likely to come soon.
  void expect();
  /// Ends all that is under way. Does not block.
  void stop();

 private:
  /// A pack that sends to us. Its objects are got at the same time and handed over one by one, in the order in which it
  /// sent them: the end of a worker may not overtake its last message.
  struct Sender {
    Mutex mutex;
    std::uint64_t next GUST_GUARDED_BY(mutex) = 0;
    std::map<std::uint64_t, message::Buffer> early GUST_GUARDED_BY(mutex);
  };

  void look();
  /// One look at the whole inbox: whether there was anything new.
  Result<bool> list_new();
  void remove_received(std::chrono::seconds patience, const std::stop_token& stop);
  /// True when it was shortened because something is expected.
  bool pause(std::chrono::milliseconds shortest, std::chrono::milliseconds time);
  void get_objects();
  Result<void> receive(const ObjectName& name, const objectstore::Object& object);

  objectstore::ObjectStore& store_;
  const message::Layout layout_;
  const std::string prefix_;
  const std::size_t largest_object_;
  message::FrameSink& sink_;
  std::stop_source stop_;
  std::deque<Sender> senders_;
  std::unordered_set<std::string> listed_;  // not removed yet; the looking thread's own
  Mutex mutex_;
  CondVar work_;   // for the threads that get objects
  CondVar hurry_;  // for the one that looks
  bool expecting_ GUST_GUARDED_BY(mutex_) = false;
  bool ending_ GUST_GUARDED_BY(mutex_) = false;
  std::deque<std::pair<ObjectName, objectstore::Object>> to_get_ GUST_GUARDED_BY(mutex_);
  std::vector<std::string> received_ GUST_GUARDED_BY(mutex_);  // keys
  std::size_t idle_ GUST_GUARDED_BY(mutex_) = 0;
  std::vector<std::jthread> getters_ GUST_GUARDED_BY(mutex_);
  std::jthread looker_;  // last: it uses the rest
};

}  // namespace gust::transport::s3
