#include "openwhisk/routes.h"

namespace gust::openwhisk {

void answer_stored(const Services& services, Call call, Result<std::string> json) {
  if (!json) return call.answer_error(json.error());
  services.journal.when_written([call = std::move(call), json = std::move(*json)](Result<void> written) mutable {
    if (written) return call.answer(200, std::move(json));
    call.answer_error(written.error().while_doing(
        "the change is in effect, but would be lost if the controller ended now, because it could not be written"));
  });
}

}  // namespace gust::openwhisk
