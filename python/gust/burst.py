"""A worker's place in its burst, as the second argument of `work(params, burst)` tells it.

Only the type is here, for annotations: the object is made by what runs Python in a pack, which needs no package to be
installed (src/pack/python/runner.py in Gust's repository).
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Burst(Protocol):
    """Who and where a worker is."""

    burst_id: str
    worker_id: int  #: 0 to burst_size - 1
    burst_size: int  #: workers of the burst
    pack_id: int  #: 0 to pack_count - 1
    pack_size: int  #: workers of this worker's pack
    pack_count: int
    invoker_id: int  #: index of the machine in its cluster

    @property
    def is_leader(self) -> bool:
        """Whether this is the worker with the lowest id of its pack."""

    def pack_of(self, worker_id: int) -> int:
        """The pack that a worker belongs to. ValueError when there is no such worker."""
