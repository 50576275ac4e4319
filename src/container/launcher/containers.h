// The containers of one launcher: their creation, their end, and what they leave behind.
//
// A container lives until its first process, gust-pack, ends. Then everything else in it is killed: its process group
// at once, and the descendants that left the group as they show up among the launcher's children, told apart by their
// tag. When none is left, its working directory is removed, and only then its end is reported.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "container/launcher/births.h"
#include "container/launcher/child.h"
#include "container/launcher/descendants.h"
#include "container/launcher/frames.h"
#include "container/launcher/prewarm_pool.h"
#include "container/launcher/private_memory.h"
#include "container/launcher/working_directories.h"
#include "pack/prewarm.h"

namespace gust::container {

class Containers {
 public:
  /// All of them outlive this. `log` is a descriptor for what nobody else can be told.
  /// `sandboxes` makes them such; null for plain processes. The program is at `pack_binary`, as they see it, and here
  /// as `pack`, if at all.
  Containers(std::string pack_binary, const ResidentPack& pack, WorkingDirectories& directories,
             Descendants& descendants, Sandboxes* sandboxes, const Prewarm& prewarm, Tag highest_tag, int log);

  /// Adds kLaunched or kFailed to events().
  void start(const StartRequest& request, const ChildDescriptors& descriptors);
  /// Adds kFailed to events().
  void refuse(std::uint64_t id, Failure failure);
  void kill(std::uint64_t id);
  /// After SIGCHLD: collects all children that ended, and kills what they left. Adds kExited to events().
  void reap();
  /// Goes on with removals that take long. False when there are none.
  bool tidy();
  /// Prepares for containers to come, a little. False when there is nothing left to do.
  bool make_spare();
  /// Milliseconds until prewarm() is to be called, if nothing else happens; -1 for never.
  [[nodiscard]] int prewarm_wait_ms() const { return pool_.wait_ms(); }
  /// Creates a container that nobody has asked for yet. False when that failed.
  bool prewarm();
  /// Of the container that was created so and is not ready; to be watched for reading. -1 for none.
  [[nodiscard]] int prewarm_fd() const { return pool_.coming_fd(); }
  /// When it is readable. Adds kPrewarmed to events().
  void welcome_prewarmed();
  /// Kills everything and collects it; false when children are left, so that the caller waits for SIGCHLD and calls
  /// again.
  bool end_all();

  std::vector<EventEntry>& events() { return events_; }

 private:
  struct Container {
    std::uint64_t id = 0;
    Tag tag = 0;
    SandboxPlan sandbox;
    Birth* birth = nullptr;
  };
  struct Ended {
    EventEntry event;
    Tag tag = 0;
    bool empty = false;  ///< no descendants are left
  };

  Failure prepare(ChildPlan& plan, std::uint64_t id, const StartEntry& entry);
  Failure create(ChildPlan& plan, std::uint64_t id, pid_t& process);
  bool claim(const StartRequest& request, const ChildDescriptors& descriptors);
  bool hand_over(const PrewarmPool::Entry& entry, const StartRequest& request, const ChildDescriptors& descriptors);
  bool give_up_prewarming(const char* what, int error);
  void forget_prewarmed(pid_t process, Failure failure);
  void tell_ready();
  bool clear_up(const Container& container);
  bool collect_children();
  void end(pid_t pid, int wait_status, std::uint64_t cpu_us, std::uint64_t peak_bytes);
  void kill_descendants();

  std::string pack_binary_;
  WorkingDirectories& directories_;
  Descendants& descendants_;
  Sandboxes* sandboxes_;
  Tag next_tag_;
  int log_;
  pid_t self_;
  Births births_;
  ChildCreator creator_;
  PrewarmPool pool_;
  PrivateMemory claim_packet_{pack::kMaxClaimBytes};
  StartEntry last_entry_{.cpu_weight = 100, .workers = 1};  ///< the next one is most likely to be like it
  std::uint64_t next_unclaimed_ = 0;
  std::unordered_map<pid_t, Container> live_;
  std::unordered_map<std::uint64_t, pid_t> pid_of_;
  std::vector<Ended> ended_;
  std::vector<EventEntry> events_;
};

}  // namespace gust::container
