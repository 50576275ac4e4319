// The invokers that are connected now. Only on the controller's strand.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/ids.h"
#include "controller/code_shelf.h"
#include "controller/gateway.h"
#include "store/records.h"

namespace gust::controller {

struct Invoker {
  InvokerId id;
  LinkPtr link;
  protocol::Hello hello;
  WallTime joined;
  std::uint32_t prewarmed = 0;                 ///< empty containers that wait ready
  std::optional<WallTime> certificate_ends;    ///< of its newest; absent without TLS
  CodeShelf code;                              ///< that it has, or has been sent
  std::set<std::pair<FlareId, PackId>> packs;  ///< that run there

  bool leaving = false;  ///< ends once nothing runs there

  /// It keeps what runs there beyond the end of its stream.
  [[nodiscard]] bool reattaches() const;
};

class InvokerTable {
 public:
  /// By what a newcomer proves that it may join: its certificate, or, without TLS, the token (empty: nothing is asked).
  enum class Proof : std::uint8_t { kCertificate, kToken };
  InvokerTable(Proof proof, std::string join_token) : proof_(proof), join_token_(std::move(join_token)) {}

  /// Whether a newcomer may join. kVersionMismatch, kDenied, kExists (its name is taken), kInvalid.
  [[nodiscard]] Result<void> admit(const protocol::Hello& hello,
                                   const std::optional<protocol::PeerCertificate>& peer) const;

  /// The same process with an older stream: it reconnected before the loss of that one was noticed.
  [[nodiscard]] Invoker* find_earlier(const protocol::Hello& hello);

  /// Gives it the id that it had before, or the number that its name ends with, if that is free, so that people find
  /// node-17 as invoker 17; else the lowest free one. Requires that admit() had nothing against it.
  Invoker& add(LinkPtr link, protocol::Hello hello, WallTime now);
  void remove(InvokerId id);

  [[nodiscard]] Invoker* find(InvokerId id);
  /// By its name, or its id as text.
  [[nodiscard]] Invoker* find(std::string_view name_or_id);
  /// By its link, as events name it. Null for those that were refused or have been removed.
  [[nodiscard]] Invoker* find(const LinkPtr& link);

  [[nodiscard]] std::map<InvokerId, Invoker>& all() { return invokers_; }

 private:
  [[nodiscard]] InvokerId choose_id(const protocol::Hello& hello) const;

  [[nodiscard]] std::optional<std::string> doubt(const protocol::Hello& hello,
                                                 const std::optional<protocol::PeerCertificate>& peer) const;

  Proof proof_;
  std::string join_token_;
  std::map<InvokerId, Invoker> invokers_;
  std::map<const InvokerLink*, InvokerId> by_link_;
};

}  // namespace gust::controller
