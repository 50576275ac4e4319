"""A line on the terminal that shows how far a flare is. Nothing where standard error is no terminal."""

from __future__ import annotations

import shutil
import sys
from typing import Any, Dict, Optional

WIDTH = 30


class ProgressBar:
    """To be used with `with`: the line is gone afterwards."""

    def __init__(self, wanted: Optional[bool]):
        self.shown = bool(sys.stderr is not None and sys.stderr.isatty() if wanted is None else wanted)
        self._last = ""

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._last:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def show(self, flare: Dict[str, Any]) -> None:
        """`flare` is its record, as the controller gives it."""
        if not self.shown:
            return
        size, counts = flare["burst_size"], flare["counts"]
        started = counts["started"] == size
        done = counts["finished"] if started else counts["started"]
        note = "finished" if started else "started"
        if flare["queue"]:
            note = f"place {flare['queue']['position']} in the queue: {flare['queue']['reason']}"
        full = WIDTH * done // size
        line = f"{flare['state']:<10} [{'#' * full}{'.' * (WIDTH - full)}] {done}/{size}  {note}"
        # In the last column some terminals wrap, and a line that wraps cannot be drawn over.
        line = line[: shutil.get_terminal_size((80, 24)).columns - 1]
        if line != self._last:
            self._last = line
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
