#include "invoker/channel.h"

#include "protocol/control/credentials.h"
#include "protocol/version.h"

namespace gust::invoker {

std::shared_ptr<grpc::Channel> open_channel(const std::string& target,
                                            const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(protocol::kMaxControlMessageBytes);
  arguments.SetMaxSendMessageSize(protocol::kMaxControlMessageBytes);
  // A controller that does not answer a ping is noticed within 2.5 s.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 1'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 1'500);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, protocol::kControlWindowBytes);
  protocol::expect_controller(arguments);
  return grpc::CreateCustomChannel(target, credentials, arguments);
}

Error to_error(const grpc::Status& status) {
  const std::string& said = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::OK: return {ErrorCode::kUnavailable, "the controller has ended the session"};
    case grpc::StatusCode::FAILED_PRECONDITION: return {ErrorCode::kVersionMismatch, said};
    case grpc::StatusCode::UNIMPLEMENTED:
      return {ErrorCode::kVersionMismatch, "what listens there is not a Gust controller of this version: " + said};
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED: return {ErrorCode::kDenied, said};
    case grpc::StatusCode::ALREADY_EXISTS: return {ErrorCode::kExists, said};
    case grpc::StatusCode::INVALID_ARGUMENT: return {ErrorCode::kInvalid, said};
    default: return {ErrorCode::kUnavailable, said};
  }
}

}  // namespace gust::invoker
