// What a pack receives: one thread lists the bucket for what is new and removes what has been received, a few others
// get objects and hand their frames over.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
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

  struct Found {
    ObjectName name;
    objectstore::Object object;
    std::uint64_t order = 0;  ///< of all that was found
  };
  /// What this pack has sent to itself: a word that the hub takes for proof that all has arrived that was there before.
  struct OwnWord {
    Found found;
    std::optional<std::uint64_t> after = {};  ///< all with a lower order have to have been received first
  };

  void look();
  /// One look at the whole inbox: whether there was anything new.
  Result<bool> list_new();
  /// After a complete look. Whether there are some that have to wait.
  bool let_own_words_pass();
  void queue(Found found) GUST_REQUIRES(mutex_);
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
  // The looking thread's own:
  std::unordered_set<std::string> listed_;  // keys that are not removed yet
  std::uint64_t found_ = 0;
  std::vector<OwnWord> own_words_;
  std::size_t earlier_own_words_ = 0;  // that were there before the last look
  Mutex mutex_;
  CondVar work_;   // for the threads that get objects
  CondVar hurry_;  // for the one that looks
  bool expecting_ GUST_GUARDED_BY(mutex_) = false;
  bool ending_ GUST_GUARDED_BY(mutex_) = false;
  std::deque<Found> to_get_ GUST_GUARDED_BY(mutex_);
  std::set<std::uint64_t> under_way_ GUST_GUARDED_BY(mutex_);  // orders: found, and not received yet
  std::vector<std::string> received_ GUST_GUARDED_BY(mutex_);  // keys
  std::size_t idle_ GUST_GUARDED_BY(mutex_) = 0;
  std::vector<std::jthread> getters_ GUST_GUARDED_BY(mutex_);
  std::jthread looker_;  // last: it uses the rest
};

}  // namespace gust::transport::s3
