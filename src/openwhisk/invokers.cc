#include "openwhisk/render.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

namespace {

using controller::InvokerStatus;
using controller::InvokerUse;

void set_use(const Services& services, Call call, InvokerUse use) {
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
