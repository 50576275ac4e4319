#include "pack/pack_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>

#include <algorithm>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace gust::pack {

using protocol::FrameType;

namespace {
constexpr int kPatienceMs = 30'000;  // with sanitizers on a busy machine
}

protocol::WorkerFinish PackStory::result_of(std::uint32_t worker) const {
  EXPECT_EQ(std::ranges::count(finished, worker, &protocol::WorkerFinish::worker_id), 1) << "worker " << worker;
  const auto found = std::ranges::find(finished, worker, &protocol::WorkerFinish::worker_id);
  return found == finished.end() ? protocol::WorkerFinish{} : *found;
}

protocol::StartMessage start_message(const std::string& object, const std::vector<std::string>& params) {
  protocol::StartMessage start;
  start.flare_id = "0123456789abcdef0123456789abcdef";
  start.activation_id = start.flare_id;
  start.namespace_name = "guest";
  start.action_name = "/guest/test";
  start.kind = "cpp:1";
  start.code_path = GUST_TEST_WORKERS "/" + object;
  start.burst_size = static_cast<std::uint32_t>(params.size());
  start.pack_first_worker = {0};
  start.workers = {WorkerId(0), start.burst_size};
  for (const std::string& text : params) {
    start.params += text;
    start.params_end.push_back(static_cast<std::uint32_t>(start.params.size()));
  }
  return start;
}

PackProcess::PackProcess(Socket socket, const std::vector<std::string>& arguments) {
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  socket_.reset(ends[0]);
  // Above the numbers that it gets in the child: a descriptor duplicated onto itself would keep its CLOEXEC.
  const UniqueFd theirs(fcntl(ends[1], F_DUPFD_CLOEXEC, 10));
  close(ends[1]);
  output_.reset(memfd_create("output", MFD_CLOEXEC));
  EXPECT_EQ(fcntl(output_.get(), F_SETFL, O_APPEND), 0);  // several processes may write

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output_.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, output_.get(), 2);
  if (socket == Socket::kGiven) posix_spawn_file_actions_adddup2(&actions, theirs.get(), 3);
  std::vector<char*> argv = {const_cast<char*>("gust-pack")};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  // As in a container: a folder of its own, which the pack may fill, and a process group, which ends with the pack.
  posix_spawn_file_actions_addchdir_np(&actions, directory_.path().c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  EXPECT_EQ(posix_spawn(&pid_, GUST_PACK_PROGRAM, &actions, &attributes, argv.data(), environ), 0);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
}

PackProcess::~PackProcess() {
  if (pid_ >= 0) end_group();
}

void PackProcess::end_group() {
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | (socket_ ? WNOHANG : 0));
  kill(-pid_, SIGKILL);
  EXPECT_EQ(waitpid(pid_, &story_.wait_status, 0), pid_);
  pid_ = -1;
}

void PackProcess::send(const protocol::StartMessage& start) const {
  const auto sent = protocol::send_messages(
      socket_.get(), std::array{protocol::Message{FrameType::kStart, encode(start)}}, kPatienceMs);
  EXPECT_TRUE(sent) << sent.error().message;
}

bool PackProcess::read_one() {
  pollfd entry{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  if (poll(&entry, 1, kPatienceMs) != 1) {
    ADD_FAILURE() << "the pack said nothing";
    return false;
  }
  auto read = reader_.read(socket_.get());
  if (!read) {
    EXPECT_EQ(read.error().code, ErrorCode::kUnavailable) << read.error().message;
    return false;
  }
  if (!*read) return true;
  const protocol::Message& message = **read;
  const auto append = [](auto& list, auto decoded) {
    ASSERT_TRUE(decoded) << decoded.error().message;
    list.insert(list.end(), decoded->begin(), decoded->end());
  };
  switch (message.type) {
    case FrameType::kLoaded: story_.loaded = protocol::decode<protocol::LoadedMessage>(message.payload).value(); break;
    case FrameType::kLoadFailed: story_.load_failed = message.payload; break;
    case FrameType::kStarted:
      ++story_.started_messages;
      append(story_.started, protocol::decode<protocol::StartedMessage>(message.payload));
      break;
    case FrameType::kFinished:
      ++story_.finished_messages;
      append(story_.finished, protocol::decode<protocol::FinishedMessage>(message.payload));
      break;
    case FrameType::kCrashed:
      story_.crashed = protocol::decode<protocol::CrashedMessage>(message.payload).value();
      break;
    case FrameType::kExited: story_.exited = protocol::decode<protocol::ExitedMessage>(message.payload).value(); break;
    case FrameType::kPeerAddress: story_.peer_address = message.payload; break;
    case FrameType::kTraffic:
      story_.traffic = protocol::decode<protocol::TrafficMessage>(message.payload).value();
      break;
    case FrameType::kStart:
    case FrameType::kPeers:
    case FrameType::kStop: ADD_FAILURE() << "packs do not send this"; break;
  }
  return true;
}

void PackProcess::wait_for_starts(std::size_t workers) {
  while (story_.started.size() < workers && read_one()) {
  }
  EXPECT_EQ(story_.started.size(), workers);
}

PackStory PackProcess::finish() {
  while (socket_ && read_one()) {
  }
  socket_.reset();
  end_group();
  std::string output(static_cast<std::size_t>(lseek(output_.get(), 0, SEEK_END)), '\0');
  EXPECT_EQ(pread(output_.get(), output.data(), output.size(), 0), static_cast<ssize_t>(output.size()));
  story_.output = output;
  return story_;
}

PackStory run_to_end(const protocol::StartMessage& start) {
  PackProcess pack(PackProcess::Socket::kGiven);
  pack.send(start);
  return pack.finish();
}

}  // namespace gust::pack
