#include "scheduler/queue.h"

#include <algorithm>

namespace gust::scheduler {

Queue::Queue(std::chrono::microseconds ageing) : ageing_(std::max<std::int64_t>(ageing.count(), 1)) {}

const Request& Queue::add(Request request) {
  const auto place = key(request);
  auto& line = lines_[request.tenant];
  const Request& added = line.emplace(place, std::move(request)).first->second;
  by_flare_.emplace(added.job.flare, &added);
  sizes_.insert(added.job.demand.burst_size);
  return added;
}

void Queue::remove(const Request& request) {
  sizes_.erase(sizes_.find(request.job.demand.burst_size));
  by_flare_.erase(request.job.flare);
  const auto line = lines_.find(request.tenant);
  line->second.erase(key(request));
  if (line->second.empty()) lines_.erase(line);
}

const Request* Queue::find(const FlareId& flare) const {
  const auto found = by_flare_.find(flare);
  return found == by_flare_.end() ? nullptr : found->second;
}

std::vector<const Request*> Queue::by_submission() const {
  std::vector<const Request*> all;
  all.reserve(by_flare_.size());
  for (const auto& [flare, request] : by_flare_) all.push_back(request);
  std::ranges::sort(all, {}, &Request::number);
  return all;
}

std::pair<std::int64_t, std::uint64_t> Queue::key(const Request& request) const {
  return {request.submitted.count() - request.job.priority * ageing_, request.number};
}

Queue::Walk::Walk(const Queue& queue, const Tenants& tenants, Moment now)
    : ageing_(queue.ageing_), tenants_(tenants), now_(now) {
  heap_.reserve(queue.lines_.size());
  for (const auto& [tenant, line] : queue.lines_) {
    push({.rank = 0, .tenant = tenant, .at = line.begin(), .end = line.end(), .passed_slots = 0});
  }
}

const Request* Queue::Walk::next() {
  if (open_) push(last_);
  open_ = false;
  if (heap_.empty()) return nullptr;
  std::ranges::pop_heap(heap_, later);
  last_ = heap_.back();
  heap_.pop_back();
  const Request& request = (last_.at++)->second;
  last_.passed_slots += request.job.demand.burst_size;
  open_ = last_.at != last_.end;  // not later: the line is gone when its last one is removed
  return &request;
}

void Queue::Walk::skip_tenant() { open_ = false; }

void Queue::Walk::push(Cursor cursor) {
  const auto submitted = static_cast<double>(cursor.at->second.submitted.count());
  cursor.rank = submitted / static_cast<double>(ageing_) + tenants_.burden(*cursor.tenant, cursor.passed_slots, now_);
  heap_.push_back(cursor);
  std::ranges::push_heap(heap_, later);
}

bool Queue::Walk::later(const Cursor& one, const Cursor& other) {
  if (one.rank != other.rank) return one.rank > other.rank;
  return one.at->second.number > other.at->second.number;
}

}  // namespace gust::scheduler
