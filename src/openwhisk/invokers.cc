#include <fmt/format.h>

#include "openwhisk/render.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

namespace {

using controller::InvokerStatus;
using controller::InvokerUse;

void set_use(const Services& services, Call call, InvokerUse use) {
  if (call.namespace_name() != services.options.operator_namespace) {
    return call.answer_error(403,
                             fmt::format("invokers belong to all namespaces: only keys of namespace '{}' may drain "
                                         "them, and this key's is '{}'",
                                         services.options.operator_namespace, call.namespace_name()));
  }
  std::string invoker = call.name();
  services.controller.set_use(std::move(invoker), use, [call = std::move(call)](Result<InvokerStatus> status) mutable {
    if (!status) return call.answer_error(status.error());
    call.answer(200, render_invoker(*status));
  });
}

}  // namespace

void drain_invoker(const Services& services, Call call) { set_use(services, std::move(call), InvokerUse::kDrained); }

void uncordon_invoker(const Services& services, Call call) { set_use(services, std::move(call), InvokerUse::kOpen); }

}  // namespace gust::openwhisk
