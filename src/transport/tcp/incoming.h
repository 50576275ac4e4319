// The connections on which this pack receives, and the thread that does it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "message/layout.h"
#include "message/transport.h"
#include "transport/tcp/sockets.h"
#include "transport/tcp/wire.h"

namespace gust::transport {

/// The thread runs from construction to destruction. It never waits for anything but news on its sockets, so what
/// others send is always received.
class Incoming {
 public:
  /// `expected` is what each connection must begin with, but for the sending pack.
  static Result<std::unique_ptr<Incoming>> start(const message::Layout& layout, const Hello& expected,
                                                 std::vector<Listener> listeners, message::FrameSink& sink);
  ~Incoming();
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

 private:
  class Connection;

  Incoming(const message::Layout& layout, const Hello& expected, std::vector<Listener> listeners,
           message::FrameSink& sink);
  void run();
  void accept(int listener);
  void read(int fd);
  void close_silent();
  [[nodiscard]] bool watch(int fd) const;

  const message::Layout layout_;
  const Hello expected_;
  const std::vector<Listener> listeners_;
  message::FrameSink& sink_;
  UniqueFd epoll_;
  UniqueFd wake_;
  std::map<int, std::unique_ptr<Connection>> connections_;  // the thread's own
  std::set<int> with_more_;                                 // of these, those whose socket will not tell
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace gust::transport
