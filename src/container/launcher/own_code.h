// The launcher's program in memory that new processes inherit together with its page tables.
#pragma once

namespace gust::container {

/// Moves the code and the constants of this program and its libraries from their files into anonymous memory, at the
/// same addresses. A process that is forked then has them mapped: pages of files it would have to look up again one
/// after the other, and the kernel maps fifteen neighbours with each, which have to be unmapped at its end. In huge
/// pages, since those are copied and dropped as one; where the kernel gives none this does nothing. For a process with
/// one thread, before it forks.
void make_code_inheritable();

}  // namespace gust::container
