// Pieces of the JSON that packs hand to programs and servers. Without a library: gust-pack links none.
#pragma once

#include <string>
#include <string_view>

#include "protocol/pack_frames.h"

namespace gust::pack {

/// The text in quotes, whatever is in it. Bytes that are no UTF-8 stay as they are.
void append_json_string(std::string& text, std::string_view value);
/// ,"name":"value"
void append_member(std::string& text, std::string_view name, std::string_view value);
/// A worker's parameters in one line: JSON that was checked, null for none.
void append_params(std::string& text, std::string_view params);
/// ,"namespace":… and what else OpenWhisk tells of an activation: action_name, action_version (as the environment has
/// it), activation_id, transaction_id (the flare), deadline (ms), invoker_id.
void append_activation(std::string& text, const protocol::StartMessage& start);
/// "pack":[first,last],"size":n
void append_burst(std::string& text, const protocol::StartMessage& start);

/// The parameters of the worker that is the `index`th of this pack.
std::string_view params_of(const protocol::StartMessage& start, std::uint32_t index);

std::string base64(std::string_view bytes);

}  // namespace gust::pack
