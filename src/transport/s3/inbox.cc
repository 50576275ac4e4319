#include "transport/s3/inbox.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "transport/s3/limits.h"

namespace gust::transport::s3 {

using message::Buffer;
using objectstore::Object;
using objectstore::Page;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

Inbox::Inbox(objectstore::ObjectStore& store, const message::Layout& layout, const std::string& flare_id,
             std::size_t chunk_bytes, message::FrameSink& sink)
    : store_(store),
      layout_(layout),
      prefix_(inbox_prefix(flare_id, layout.self())),
      largest_object_(largest_object(chunk_bytes)),
      sink_(sink),
      senders_(layout.packs()),
      looker_([this] { look(); }) {}

Inbox::~Inbox() {
  const bool stopped = stop_.stop_requested();
  std::vector<std::jthread> getters;
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  stop();
  looker_.join();
  {
    const MutexLock lock(mutex_);  // the looking thread starts the others
    getters = std::move(getters_);
  }
  getters.clear();
  if (!stopped) remove_received(kEndPatience, {});
}

void Inbox::stop() {
  stop_.request_stop();
  const MutexLock lock(mutex_);
  work_.notify_all();
  hurry_.notify_all();
}

void Inbox::expect() {
  const MutexLock lock(mutex_);
  if (std::exchange(expecting_, true)) return;
  hurry_.notify_all();
}

void Inbox::look() {
  milliseconds shortest = kShortestPause;
  milliseconds time = kShortestPause;
  while (!stop_.stop_requested()) {
    const SteadyTime begin = Clock::now();
    const Result<bool> news = list_new();
    // A store that is slow is not asked all the time: it has objects to hand out.
    shortest = std::clamp(std::chrono::ceil<milliseconds>(3 * (Clock::now() - begin)), kShortestPause, kLongestPause);
    if (stop_.stop_requested()) return;
    if (!news) {
      for (std::uint32_t p = 0; p < layout_.packs(); ++p) {
        if (PackId(p) != layout_.self()) sink_.peer_lost(PackId(p), news.error());
      }
      return;
    }
    const bool words_wait = let_own_words_pass();
    std::size_t received = 0;
    {
      const MutexLock lock(mutex_);
      received = received_.size();
    }
    const bool quiet = time >= kLongestPause / 4;
    if (received >= kRemovedAtOnce || (received > 0 && quiet)) remove_received(kStorePatience, stop_.get_token());
    time = *news || words_wait ? shortest : std::clamp(time * 3 / 2, shortest, kLongestPause);
    if (pause(shortest, time)) time = shortest;
  }
}

bool Inbox::pause(milliseconds shortest, milliseconds time) {
  const SteadyTime end = Clock::now() + time;
  const SteadyTime soonest = Clock::now() + shortest;
  const MutexLock lock(mutex_);
  bool expected = false;
  while (!stop_.stop_requested()) {
    expected = std::exchange(expecting_, false) || expected;
    if (!hurry_.wait_until(mutex_, expected ? soonest : end)) break;
  }
  return expected;
}

Result<bool> Inbox::list_new() {
  bool news = false;
  std::string from;
  do {
    Page page = GUST_TRY(
        store_.list(prefix_, from, objectstore::kLargestPage, {Clock::now() + kStorePatience, stop_.get_token()}));
    from = std::move(page.next);
    for (Object& object : page.objects) {
      const auto name = parse_object_name(std::string_view(object.key).substr(prefix_.size()));
      if (!name || name->from.value() >= layout_.packs() || !listed_.insert(object.key).second) continue;
      news = true;
      Found found{*name, std::move(object), found_++};
      if (name->from == layout_.self()) {
        own_words_.push_back({std::move(found)});
        continue;
      }
      const MutexLock lock(mutex_);
      queue(std::move(found));
    }
  } while (!from.empty());
  return news;
}

void Inbox::queue(Found found) {
  under_way_.insert(found.order);
  to_get_.push_back(std::move(found));
  if (idle_ < to_get_.size() && getters_.size() < threads_for(largest_object_)) {
    getters_.emplace_back([this] { get_objects(); });
  } else {
    work_.notify_one();
  }
}

bool Inbox::let_own_words_pass() {
  // The pages of one look are not of one moment: only the next look has for certain all that was there before the word.
  for (std::size_t i = 0; i < earlier_own_words_; ++i) own_words_[i].after = own_words_[i].after.value_or(found_);
  const MutexLock lock(mutex_);
  std::erase_if(own_words_, [this](OwnWord& word) GUST_NO_THREAD_SAFETY_ANALYSIS {  // it runs here, with the lock
    if (!word.after || (!under_way_.empty() && *under_way_.begin() < *word.after)) return false;
    queue(std::move(word.found));
    return true;
  });
  earlier_own_words_ = own_words_.size();
  return earlier_own_words_ > 0;
}

void Inbox::get_objects() {
  while (true) {
    Found found;
    {
      const MutexLock lock(mutex_);
      while (to_get_.empty()) {
        if (ending_ || stop_.stop_requested()) return;
        ++idle_;
        work_.wait(mutex_);
        --idle_;
      }
      if (stop_.stop_requested()) return;
      found = std::move(to_get_.front());
      to_get_.pop_front();
    }
    const auto received = receive(found.name, found.object);
    if (stop_.stop_requested() && !received) return;
    // Who removed it knows that the flare has ended.
    if (!received && received.error().code != ErrorCode::kNotFound) sink_.peer_lost(found.name.from, received.error());
    const MutexLock lock(mutex_);
    received_.push_back(std::move(found.object.key));
    under_way_.erase(found.order);
  }
}

Result<void> Inbox::receive(const ObjectName& name, const Object& object) {
  if (object.bytes > largest_object_) {
    return fail(ErrorCode::kInvalid, object.key + " is larger than what packs put into a bucket");
  }
  Buffer content = Buffer::make(object.bytes);
  if (!content) return fail(ErrorCode::kTooLarge, "there is no memory for " + object.key);
  std::size_t got = 0;
  const auto store_piece = [&](objectstore::Piece piece) -> Result<void> {
    if (piece.size() > content.size() - got) return fail(ErrorCode::kInvalid, object.key + " has grown");
    std::memcpy(content.writable() + got, piece.data(), piece.size());
    got += piece.size();
    return {};
  };
  GUST_TRY_VOID(store_.get(object.key, {}, store_piece, {Clock::now() + kStorePatience, stop_.get_token()}));
  if (got != content.size()) return fail(ErrorCode::kInvalid, object.key + " has shrunk");
  Sender& sender = senders_[name.from.value()];
  const MutexLock lock(sender.mutex);
  if (name.number < sender.next) return {};  // put once more after it had been removed
  sender.early.insert_or_assign(name.number, std::move(content));
  while (!sender.early.empty() && sender.early.begin()->first == sender.next) {
    GUST_TRY_VOID(deliver_object(name.from, sender.early.begin()->second.bytes(), sink_));
    sender.early.erase(sender.early.begin());
    ++sender.next;
  }
  return {};
}

void Inbox::remove_received(std::chrono::seconds patience, const std::stop_token& stop) {
  std::vector<std::string> keys;
  {
    const MutexLock lock(mutex_);
    keys = std::exchange(received_, {});
  }
  if (keys.empty()) return;
  const auto removed = store_.remove_many(keys, {Clock::now() + patience, stop});
  // What could not be removed stays listed, so that it is not received again; remove_flare() comes for it.
  if (!removed) return;
  for (const std::string& key : keys) listed_.erase(key);
}

}  // namespace gust::transport::s3
