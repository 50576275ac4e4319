#include "transport/rabbitmq/connection.h"

#include <amqp_framing.h>
#include <amqp_tcp_socket.h>

#include <array>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>

namespace gust::transport::rabbitmq {

namespace {

constexpr amqp_channel_t kChannel = 1;
// A server that is there answers much sooner, even a busy one.
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};
constexpr timeval kLeavePatience{.tv_sec = 1, .tv_usec = 0};
// In seconds. Twice this without a word, and the server counts as lost.
constexpr int kHeartbeat = 10;
// The server may have less; its default is the same.
constexpr int kFrameMax = 131072;
// Queues that nobody uses any more, and that nobody has removed: longer than any flare lives.
constexpr std::int32_t kExpireMillis = 24 * 60 * 60 * 1000;

amqp_bytes_t bytes_of(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }

std::string text_of(amqp_bytes_t bytes) { return {static_cast<const char*>(bytes.bytes), bytes.len}; }

amqp_table_entry_t yes(const char* name) {
  amqp_table_entry_t entry{};
  entry.key = amqp_cstring_bytes(name);
  entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  entry.value.value.boolean = 1;
  return entry;
}

}  // namespace

Connection::Connection(const Address& address) : address_(address), state_(amqp_new_connection()) {}

Connection::~Connection() {
  {
    const MutexLock lock(cut_mutex_);
    cut_socket_ = -1;
  }
  if (healthy_) {
    amqp_set_rpc_timeout(state_, &kLeavePatience);
    amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
  }
  amqp_destroy_connection(state_);
}

void Connection::cut() {
  const MutexLock lock(cut_mutex_);
  if (cut_socket_ >= 0) ::shutdown(cut_socket_, SHUT_RDWR);
}

Result<std::unique_ptr<Connection>> Connection::open(const Address& address) {
  std::unique_ptr<Connection> connection(new Connection(address));
  GUST_TRY_VOID(connection->log_in());
  return connection;
}

Result<void> Connection::log_in() {
  amqp_socket_t* socket = state_ == nullptr ? nullptr : amqp_tcp_socket_new(state_);
  if (socket == nullptr) return fail(ErrorCode::kInternal, "there is no memory for a connection to " + address_.name());
  amqp_set_handshake_timeout(state_, &kPatience);
  amqp_set_rpc_timeout(state_, &kPatience);
  GUST_TRY_VOID(check(amqp_socket_open_noblock(socket, address_.host.c_str(), address_.port, &kPatience), "connect"));
  {
    const MutexLock lock(cut_mutex_);
    cut_socket_ = amqp_get_sockfd(state_);
  }
  // That the server tells of its having no memory, and of a queue's end.
  std::array<amqp_table_entry_t, 2> can{yes("connection.blocked"), yes("consumer_cancel_notify")};
  amqp_table_entry_t capabilities{};
  capabilities.key = amqp_cstring_bytes("capabilities");
  capabilities.value.kind = AMQP_FIELD_KIND_TABLE;
  capabilities.value.value.table = {can.size(), can.data()};
  const amqp_table_t properties{1, &capabilities};
  GUST_TRY_VOID(
      check(amqp_login_with_properties(state_, address_.vhost.c_str(), 0, kFrameMax, kHeartbeat, &properties,
                                       AMQP_SASL_METHOD_PLAIN, address_.user.c_str(), address_.password.c_str()),
            "log in"));
  amqp_channel_open(state_, kChannel);
  GUST_TRY_VOID(check(amqp_get_rpc_reply(state_), "open a channel"));
  healthy_ = true;
  return {};
}

Result<void> Connection::check(int status, const char* doing) {
  if (status == AMQP_STATUS_OK) return {};
  healthy_ = false;
  return fail(ErrorCode::kUnavailable, address_.name() + ": " + doing + ": " + amqp_error_string2(status));
}

Result<void> Connection::check(const amqp_rpc_reply_t& reply, const char* doing) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return {};
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) return std::unexpected(closed(reply.reply, doing));
  return check(reply.library_error == AMQP_STATUS_OK ? AMQP_STATUS_CONNECTION_CLOSED : reply.library_error, doing);
}

Error Connection::closed(const amqp_method_t& method, const char* doing) {
  int code = 0;
  std::string text;
  if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto& close = *static_cast<const amqp_channel_close_t*>(method.decoded);
    code = close.reply_code;
    text = text_of(close.reply_text);
  } else if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto& close = *static_cast<const amqp_connection_close_t*>(method.decoded);
    code = close.reply_code;
    text = text_of(close.reply_text);
  }
  healthy_ = method.id == AMQP_CHANNEL_CLOSE_METHOD;
  const std::string message = address_.name() + ": " + doing + ": " + text;
  switch (code) {
    case AMQP_NOT_FOUND: return {ErrorCode::kNotFound, message};
    case AMQP_ACCESS_REFUSED:
    case AMQP_NOT_ALLOWED:
      return {ErrorCode::kDenied, message + "; see the user, its password and its permissions in the backend's URI"};
    case AMQP_CONNECTION_FORCED:  // it shuts down
    case AMQP_INTERNAL_ERROR:
    case AMQP_CHANNEL_ERROR:
    case 0: return {ErrorCode::kUnavailable, message};
    default: return {ErrorCode::kInternal, message};
  }
}

Result<void> Connection::declare(const std::string& queue, Declare how) {
  amqp_table_entry_t expires{};
  expires.key = amqp_cstring_bytes("x-expires");
  expires.value.kind = AMQP_FIELD_KIND_I32;
  expires.value.value.i32 = kExpireMillis;
  const amqp_table_t arguments{1, &expires};
  amqp_queue_declare(state_, kChannel, bytes_of(queue), how == Declare::kCheck, address_.durable, 0, 0, arguments);
  return check(amqp_get_rpc_reply(state_), "declare a queue");
}

Result<void> Connection::confirm() {
  amqp_confirm_select(state_, kChannel);
  return check(amqp_get_rpc_reply(state_), "ask for confirms");
}

Result<void> Connection::consume(const std::string& queue, std::uint16_t prefetch) {
  amqp_basic_qos(state_, kChannel, 0, prefetch, 0);
  GUST_TRY_VOID(check(amqp_get_rpc_reply(state_), "set the prefetch"));
  amqp_basic_consume(state_, kChannel, bytes_of(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  return check(amqp_get_rpc_reply(state_), "consume");
}

Result<void> Connection::publish(const std::string& queue, message::Piece body) {
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.delivery_mode = address_.durable ? AMQP_DELIVERY_PERSISTENT : AMQP_DELIVERY_NONPERSISTENT;
  const amqp_bytes_t bytes{body.size(), const_cast<std::byte*>(body.data())};
  return check(amqp_basic_publish(state_, kChannel, amqp_empty_bytes, bytes_of(queue), 1, 0, &properties, bytes),
               "publish");
}

Result<void> Connection::acknowledge(std::uint64_t tag) {
  return check(amqp_basic_ack(state_, kChannel, tag, 1), "acknowledge");
}

Result<void> Connection::remove(const std::string& queue) {
  amqp_queue_delete_t request{};
  request.queue = bytes_of(queue);
  request.nowait = 1;
  return check(amqp_send_method(state_, kChannel, AMQP_QUEUE_DELETE_METHOD, &request), "delete a queue");
}

Result<void> Connection::close_channel() {
  return check(amqp_channel_close(state_, kChannel, AMQP_REPLY_SUCCESS), "close the channel");
}

Result<const amqp_frame_t*> Connection::next(std::chrono::seconds patience) {
  amqp_maybe_release_buffers(state_);
  const timeval time{.tv_sec = patience.count(), .tv_usec = 0};
  const int status = amqp_simple_wait_frame_noblock(state_, &frame_, &time);
  if (status == AMQP_STATUS_TIMEOUT) return nullptr;
  GUST_TRY_VOID(check(status, "receive"));
  if (frame_.frame_type == AMQP_FRAME_METHOD) {
    const amqp_method_t& method = frame_.payload.method;
    if (method.id == AMQP_CHANNEL_CLOSE_METHOD || method.id == AMQP_CONNECTION_CLOSE_METHOD) {
      return std::unexpected(closed(method, "closed by the server"));
    }
  }
  return &frame_;
}

}  // namespace gust::transport::rabbitmq
