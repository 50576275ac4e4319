// A wire between an invoker and its controller that the test can hold: what an overloaded or unreachable machine does,
// whose connections stay open and say nothing.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>

#include "base/fd.h"

namespace gust::invoker::testing {

class Relay {
 public:
  /// Listens at `from` and carries one connection to `to`; both are paths of Unix sockets.
  Relay(const std::string& from, const std::string& to)
      : listener_(open(from, ::bind)), far_(open(to, ::connect)), thread_([this] { carry(); }) {
    ::listen(listener_.get(), 1);
  }
  ~Relay() {
    done_ = true;
    thread_.join();
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// From now on nothing passes, and nothing is closed.
  void hold() { held_ = true; }

 private:
  template <class Call>
  static UniqueFd open(const std::string& path, Call call) {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    (void)call(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    return socket;
  }

  static void pass(int from, int to) {
    char bytes[4096];
    const ssize_t got = ::read(from, bytes, sizeof bytes);
    if (got > 0) (void)!::write(to, bytes, static_cast<std::size_t>(got));
  }

  void carry() {
    while (!done_) {
      pollfd ends[2] = {{near_ ? near_.get() : listener_.get(), POLLIN, 0}, {far_.get(), POLLIN, 0}};
      if (::poll(ends, 2, 10) <= 0 || held_) continue;
      if (!near_) {
        if (ends[0].revents != 0) near_.reset(::accept(listener_.get(), nullptr, nullptr));
        continue;
      }
      if (ends[0].revents != 0) pass(near_.get(), far_.get());
      if (ends[1].revents != 0) pass(far_.get(), near_.get());
    }
  }

  UniqueFd listener_;
  UniqueFd far_;
  UniqueFd near_;
  std::atomic<bool> held_ = false;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace gust::invoker::testing
