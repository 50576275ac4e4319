// The /dev of sandboxes.
#pragma once

#include "container/sandbox/namespaces.h"

namespace gust::container {

/// In the directory of the new root. False with errno set.
bool make_devices(Identity identity);

}  // namespace gust::container
