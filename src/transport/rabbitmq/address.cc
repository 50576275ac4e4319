#include "transport/rabbitmq/address.h"

#include <amqp.h>

#include "transport/backend.h"

namespace gust::transport::rabbitmq {

Result<Address> parse_uri(const std::string& uri) {
  Address address;
  std::string text = uri;
  if (const std::size_t question = text.find('?'); question != std::string::npos) {
    const std::string query = text.substr(question + 1);
    if (query != "durable=true" && query != "durable=false") {
      return fail(ErrorCode::kInvalid, "a rabbitmq URI may have ?durable=true, not '?" + query + "'");
    }
    address.durable = query == "durable=true";
    text.resize(question);
  }
  amqp_connection_info parsed{};
  if (!text.starts_with("amqp://") || amqp_parse_url(text.data(), &parsed) != AMQP_STATUS_OK || *parsed.host == '\0') {
    return fail(ErrorCode::kInvalid,
                "the URI of the backend rabbitmq is none; it looks like amqp://user:password@host:5672/vhost");
  }
  address.host = parsed.host;
  address.port = parsed.port;
  address.user = parsed.user;
  address.password = parsed.password;
  address.vhost = *parsed.vhost == '\0' ? "/" : parsed.vhost;
  return address;
}

std::string queue_name(const std::string& flare_id, PackId pack) {
  return name_prefix(flare_id) + "pack:" + std::to_string(pack.value());
}

std::string witness_name(const std::string& flare_id, PackId pack) {
  return name_prefix(flare_id) + "witness:" + std::to_string(pack.value());
}

}  // namespace gust::transport::rabbitmq
