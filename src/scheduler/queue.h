// The flares that wait, and the order in which they would start.
//
// Within a namespace the order is fixed when a flare is submitted: one step of priority is worth Policy::ageing of
// waiting. Between namespaces the next is the one whose first flare has the least
//
//   submitted / ageing + log2(use of the namespace / its weight)
//
// so a flare that waits gains on all that come after it, by a bounded use: none starves. The ageing of waiting jobs
// and the decaying, weighted use of their owners are those of multifactor priority in batch systems (Kay and Lauder,
// "A Fair Share Scheduler", CACM 31(1), 1988; Jackson, Snell and Clement, "Core Algorithms of the Maui Scheduler",
// JSSPP 2001).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "packing/packing.h"
#include "scheduler/policy.h"
#include "scheduler/tenants.h"

namespace gust::scheduler {

/// What is submitted.
struct Job {
  FlareId flare;
  std::string namespace_name;
  packing::Demand demand;
  std::chrono::microseconds time_limit{0};  ///< after which the owner ends it, from its start
  Priority priority = 0;
};

struct Request {
  Job job;
  Tenant* tenant = nullptr;
  Moment submitted{0};
  std::uint64_t number = 0;  ///< in the order of submission
};

/// Thread rule: one thread at a time; the owner's strand.
class Queue {
 public:
  explicit Queue(std::chrono::microseconds ageing);

  /// Valid until it is removed.
  const Request& add(Request request);
  void remove(const Request& request);
  [[nodiscard]] const Request* find(const FlareId& flare) const;

  [[nodiscard]] bool empty() const { return by_flare_.empty(); }
  [[nodiscard]] std::size_t size() const { return by_flare_.size(); }
  /// Of the smallest burst that waits; requires that one does.
  [[nodiscard]] std::uint32_t least_slots() const { return *sizes_.begin(); }

  /// Goes through the queue from its head on, as if each flare that it passes started at once. What it has passed may
  /// be removed meanwhile, nothing else.
  class Walk {
   public:
    Walk(const Queue& queue, const Tenants& tenants, Moment now);
    /// Null at the end.
    const Request* next();
    /// Leaves out what else waits of the namespace of the last one.
    void skip_tenant();

   private:
    friend class Queue;
    using Line = std::map<std::pair<std::int64_t, std::uint64_t>, Request>;
    struct Cursor {
      double rank = 0;
      const Tenant* tenant = nullptr;
      Line::const_iterator at;
      Line::const_iterator end;
      std::uint64_t passed_slots = 0;
    };
    void push(Cursor cursor);
    static bool later(const Cursor& one, const Cursor& other);

    std::int64_t ageing_;
    const Tenants& tenants_;
    Moment now_;
    std::vector<Cursor> heap_;  // the next one in front
    Cursor last_;
    bool open_ = false;  // last_ is to be pushed again
  };

  /// All in the order of their submission.
  [[nodiscard]] std::vector<const Request*> by_submission() const;

 private:
  using Line = Walk::Line;  // by time of submission less priority, then by number

  [[nodiscard]] std::pair<std::int64_t, std::uint64_t> key(const Request& request) const;

  std::int64_t ageing_;
  std::map<const Tenant*, Line> lines_;  // none is empty
  std::unordered_map<FlareId, const Request*> by_flare_;
  std::multiset<std::uint32_t> sizes_;
};

}  // namespace gust::scheduler
