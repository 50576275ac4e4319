"""Waiting for several futures or flares at once."""

from __future__ import annotations

import time
from typing import Iterable, List, Optional, Tuple, Union

from .flare import SHORTEST_LOOK, Flare, Future

ALL_COMPLETED = "ALL_COMPLETED"
ANY_COMPLETED = "ANY_COMPLETED"

Waitable = Union[Future, Flare]


def wait(
    what: Union[Waitable, Iterable[Waitable]],
    timeout: Optional[float] = None,
    return_when: str = ALL_COMPLETED,
) -> Tuple[List[Waitable], List[Waitable]]:
    """Waits until all of them, or any, have ended; gives those that have and those that have not.

    After `timeout` seconds it gives what there is then. Raises nothing for workers that failed: get_result() does.
    """
    if return_when not in (ALL_COMPLETED, ANY_COMPLETED):
        raise ValueError(f"return_when is {return_when!r}; it must be ALL_COMPLETED or ANY_COMPLETED")
    waiting: List[Waitable] = [what] if isinstance(what, (Future, Flare)) else list(what)
    deadline = None if timeout is None else time.monotonic() + timeout
    look = 0.0
    while True:
        flares = {(item.flare if isinstance(item, Future) else item): None for item in waiting}
        for flare in flares:
            flare._look(look)
        done = [item for item in waiting if _ended(item)]
        missing = [item for item in waiting if not _ended(item)]
        out_of_time = deadline is not None and time.monotonic() >= deadline
        if not missing or out_of_time or (done and return_when == ANY_COMPLETED):
            return done, missing
        # Together the looks of a round take as long as one of a single flare.
        running = sum(not flare._ended() for flare in flares)
        look = SHORTEST_LOOK / max(1, running)
        if deadline is not None:
            look = max(0.001, min(look, deadline - time.monotonic()))


def _ended(item: Waitable) -> bool:
    return item.flare._settled(item.worker_id) if isinstance(item, Future) else item._ended()
