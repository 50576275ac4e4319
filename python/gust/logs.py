"""Finds a worker's traceback in what its pack has written."""

from __future__ import annotations

from typing import List, Optional

BEGIN = "Traceback (most recent call last):"
LINKS = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)


def traceback_of(lines: List[str], worker: int, burst_size: int, message: str) -> Optional[str]:
    """The last one that the worker has printed, with those that led to it; None when its log has none.

    `lines` are the log's of its activation: `<time> <stream>: [worker <id>] <text>`, without the mark in a burst of one.
    `message` is what the worker has reported; a traceback of another exception is not taken for its own.
    """
    mark = f"[worker {worker}] " if burst_size > 1 else ""
    texts = []
    for line in lines:
        stream, _, text = line.partition(" ")[2].partition(": ")
        if stream == "stderr" and text.startswith(mark):
            texts.append(text[len(mark) :])
    begins = [index for index, text in enumerate(texts) if text == BEGIN]
    if not begins:
        return None
    first = len(begins) - 1
    while first > 0 and any(text in LINKS for text in texts[begins[first - 1] : begins[first]]):
        first -= 1
    trace = "\n".join(texts[begins[first] :]) + "\n"
    kind = message.split(":", 1)[0]
    return trace if kind in trace else None
