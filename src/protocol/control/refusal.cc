#include "protocol/control/refusal.h"

namespace gust::protocol {

ControllerMessage refusal(const Error& error) {
  ControllerMessage message;
  message.mutable_refused()->set_code(static_cast<std::uint32_t>(error.code));
  message.mutable_refused()->set_sentence(error.message);
  return message;
}

Error read_refusal(const Refused& refused) {
  for (const ErrorCode code :
       {ErrorCode::kVersionMismatch, ErrorCode::kDenied, ErrorCode::kExists, ErrorCode::kInvalid}) {
    if (refused.code() == static_cast<std::uint32_t>(code)) return {code, refused.sentence()};
  }
  return {ErrorCode::kUnavailable, refused.sentence()};
}

}  // namespace gust::protocol
