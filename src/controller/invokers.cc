#include "controller/invokers.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "base/encoding.h"
#include "protocol/version.h"

namespace gust::controller {

// What is wrong with its proof.
std::optional<std::string> InvokerTable::doubt(const protocol::Hello& hello,
                                               const std::optional<protocol::PeerCertificate>& peer) const {
  if (proof_ == Proof::kToken) {
    if (join_token_.empty() || constant_time_equal(hello.join_token(), join_token_)) return std::nullopt;
    return fmt::format("invoker {} has a wrong join token; give it the controller's with GUST_JOIN_TOKEN",
                       hello.name());
  }
  if (!peer) {
    return fmt::format("invoker {} came without a certificate; give it a join token with GUST_JOIN_TOKEN",
                       hello.name());
  }
  if (peer->name == hello.name()) return std::nullopt;
  return fmt::format("invoker {} has the certificate of {}; start it with --name {}, or give it a join token",
                     hello.name(), peer->name, peer->name);
}

Result<void> InvokerTable::admit(const protocol::Hello& hello,
                                 const std::optional<protocol::PeerCertificate>& peer) const {
  if (hello.protocol_version() != protocol::kProtocolVersion) {
    return fail(ErrorCode::kVersionMismatch,
                fmt::format("invoker {} speaks protocol version {}, this controller speaks {}; install the same "
                            "version of gust on both",
                            hello.name(), hello.protocol_version(), protocol::kProtocolVersion));
  }
  if (auto sentence = doubt(hello, peer)) return fail(ErrorCode::kDenied, std::move(*sentence));
  if (hello.name().empty() || hello.slots() == 0 || hello.memory_bytes() == 0) {
    return fail(ErrorCode::kInvalid,
                fmt::format("invoker '{}' offers {} slots and {} bytes of memory; it needs a name and more than none "
                            "of either",
                            hello.name(), hello.slots(), hello.memory_bytes()));
  }
  for (const auto& [id, invoker] : invokers_) {
    if (invoker.hello.name() == hello.name() && invoker.hello.pid() != hello.pid()) {
      return fail(ErrorCode::kExists,
                  fmt::format("another invoker is called {} (process {}); choose another name with --name",
                              hello.name(), invoker.hello.pid()));
    }
  }
  return {};
}

Invoker* InvokerTable::find_earlier(const protocol::Hello& hello) {
  for (auto& [id, invoker] : invokers_) {
    if (invoker.hello.name() == hello.name() && invoker.hello.pid() == hello.pid()) return &invoker;
  }
  return nullptr;
}

bool Invoker::reattaches() const { return std::ranges::count(hello.features(), protocol::kReattach) > 0; }

InvokerId InvokerTable::choose_id(const protocol::Hello& hello) const {
  constexpr std::size_t kMaxDigits = 6;
  if (hello.has_invoker_id() && !invokers_.contains(InvokerId(hello.invoker_id()))) {
    return InvokerId(hello.invoker_id());
  }
  const std::string_view name = hello.name();
  const std::string_view digits = name.substr(name.find_last_not_of("0123456789") + 1);
  std::uint32_t wished = 0;
  if (!digits.empty() && digits.size() <= kMaxDigits) {
    std::from_chars(digits.data(), digits.data() + digits.size(), wished);
    if (!invokers_.contains(InvokerId(wished))) return InvokerId(wished);
  }
  std::uint32_t free = 0;
  for (const auto& [id, invoker] : invokers_) {
    if (id.value() != free) break;
    ++free;
  }
  return InvokerId(free);
}

Invoker& InvokerTable::add(LinkPtr link, protocol::Hello hello, WallTime now) {
  const InvokerId id = choose_id(hello);
  Invoker& invoker = invokers_[id];
  invoker.id = id;
  invoker.link = std::move(link);
  invoker.hello = std::move(hello);
  invoker.joined = now;
  invoker.code = CodeShelf(Bytes(invoker.hello.code_cache_bytes()));
  const auto all = [](const std::string&) { return true; };
  for (const protocol::CachedCode& code : invoker.hello.code()) {
    if (!invoker.code.use(code.digest())) (void)invoker.code.add(code.digest(), Bytes(code.bytes()), all);
  }
  by_link_[invoker.link.get()] = invoker.id;
  return invoker;
}

void InvokerTable::remove(InvokerId id) {
  const auto found = invokers_.find(id);
  if (found == invokers_.end()) return;
  by_link_.erase(found->second.link.get());
  invokers_.erase(found);
}

Invoker* InvokerTable::find(InvokerId id) {
  const auto found = invokers_.find(id);
  return found == invokers_.end() ? nullptr : &found->second;
}

Invoker* InvokerTable::find(std::string_view name_or_id) {
  for (auto& [id, invoker] : invokers_) {
    if (invoker.hello.name() == name_or_id) return &invoker;
  }
  for (auto& [id, invoker] : invokers_) {
    if (std::to_string(id.value()) == name_or_id) return &invoker;
  }
  return nullptr;
}

Invoker* InvokerTable::find(const LinkPtr& link) {
  const auto found = by_link_.find(link.get());
  return found == by_link_.end() ? nullptr : find(found->second);
}

}  // namespace gust::controller
