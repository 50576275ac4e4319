// Records as the bytes of documents.proto, and back. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "store/records.h"
#include "store/store.h"

namespace gust::store {

/// Without the code of an action: that is kept once for each digest.
std::string to_document(const Action& action);
std::string to_document(const Package& package);
std::string to_document(const Trigger& trigger);
std::string to_document(const Rule& rule);
std::string to_document(const Key& key);
std::string to_document(const Token& token);
std::string to_document(const Drain& drain);
/// With its action, but without that one's code.
std::string to_document(const FlareRecord& flare);
std::string to_document(const OpenFlare& open);

/// kInternal for bytes that are no such document.
template <class T>
Result<T> from_document(std::string_view bytes);

}  // namespace gust::store
