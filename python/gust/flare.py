"""A burst that was started: its workers' results as futures, its end, its times."""

from __future__ import annotations

import threading
import time
from typing import Any, Dict, Iterator, List, Optional, Union

from .api import Api, quoted
from .errors import ApiError, GustError, WorkerError, flare_failed
from .logs import traceback_of
from .progress import ProgressBar
from .stats import Call, Stats

#: Seconds between two readings of a log; and for how long a traceback is looked for that may still be on its way.
LOG_POLL, LOG_PATIENCE = 0.25, 2.0
#: Seconds between two looks at a flare: they grow with its age. Its end is seen at once, whatever they are.
SHORTEST_LOOK, LONGEST_LOOK = 0.1, 1.0

Record = Dict[str, Any]


class Future:
    """One worker's result."""

    def __init__(self, flare: "Flare", worker_id: int):
        self.flare = flare
        self.worker_id = worker_id

    def done(self) -> bool:
        """Whether there is a result, an error, or nothing more to wait for. Asks the controller."""
        self.flare._look(0)
        return self.flare._settled(self.worker_id)

    def get_result(self, timeout: Optional[float] = None) -> Any:
        """Waits for the worker, and not for the others. Raises WorkerError, FlareFailed, or TimeoutError."""
        self.flare._wait_for(
            lambda: self.flare._settled(self.worker_id),
            timeout,
            False,
            f"worker {self.worker_id}",
        )
        return self.flare._result_of(self.worker_id)

    def exception(self, timeout: Optional[float] = None) -> Optional[GustError]:
        """The error that get_result() would raise; None when there is a result."""
        try:
            self.get_result(timeout)
        except GustError as error:
            return error
        return None

    def __repr__(self) -> str:
        return f"<gust.Future of worker {self.worker_id} of flare {self.flare.id}>"


class Flare:
    """All workers of one call. Thread-safe."""

    def __init__(self, api: Api, action: str, ticket: Record, call: Call):
        self.id: str = ticket["flareId"]
        self.action = action
        self.activation_ids: List[str] = ticket[
            "activationIds"
        ]  #: one a pack; the command line and OpenWhisk's clients take them
        self.futures = [Future(self, worker) for worker in range(call.workers)]
        self._api = api
        self._call = call
        self._lock = threading.Lock()
        self._summary: Record = {}
        self._full: Record = {}
        self._logs: Dict[str, List[str]] = {}

    def __len__(self) -> int:
        return len(self.futures)

    @property
    def state(self) -> str:
        """queued, reserved, starting, running, finishing, succeeded, failed, cancelled or timed_out. Asks the controller."""
        self._look(0)
        return self._summary["state"]

    def wait(self, timeout: Optional[float] = None, progress: Optional[bool] = None) -> str:
        """Waits for the end; gives the state in which the flare is. TimeoutError after `timeout` seconds.

        `progress`: a line on standard error that shows how far it is; None: where that is a terminal.
        """
        self._wait_for(self._ended, timeout, progress, "the flare")
        return self._summary["state"]

    def get_result(
        self,
        timeout: Optional[float] = None,
        progress: Optional[bool] = None,
        return_errors: bool = False,
    ) -> List[Any]:
        """Waits for the end; gives the workers' results in the order of their ids.

        Raises FlareFailed (FlareCancelled, FlareTimedOut) when the flare has no results, and the WorkerError of the
        first worker that failed; with `return_errors` that stands in the place of the result. TimeoutError after
        `timeout` seconds.
        """
        if self.wait(timeout, progress) != "succeeded":
            raise self._failure()
        if return_errors:
            return [self._result_or_error(worker) for worker in range(len(self))]
        return [self._result_of(worker) for worker in range(len(self))]

    def cancel(self) -> bool:
        """Ends all of its workers, and waits until they have ended. False when the flare had ended before."""
        try:
            self._api.delete(self._path())
            return True
        except ApiError as error:
            if error.status == 409:
                return False
            raise

    def stats(self, timeout: Optional[float] = None) -> Stats:
        """Waits for the end; when each worker started and ended, as a table."""
        self.wait(timeout, progress=False)
        return Stats(self._full, self._call)

    def logs(self) -> List[str]:
        """What the workers have written so far, in the order in which it came: lines `<time> <stream>: <text>`."""
        return self._log_lines(self._path() + "/logs")

    def follow_logs(self) -> Iterator[str]:
        """The same lines as they come, a quarter of a second after they were written, until the flare has ended."""
        start = 0
        while True:
            page = self._api.get(self._path() + "/logs", {"from": start})
            yield from page["logs"]
            if page["ended"]:
                return
            if page["next"] == start:
                time.sleep(LOG_POLL)
            start = page["next"]

    def __repr__(self) -> str:
        return f"<gust.Flare {self.id} of {self.action}, {len(self)} workers>"

    # What futures and wait() use.

    def _look(self, waits: float) -> Record:
        """Asks how far it is; the controller answers at the end, or after `waits` seconds."""
        with self._lock:
            if self._ended():
                return self._summary
        query: Dict[str, Union[str, float]] = {
            "detail": "summary",
            "wait": round(waits, 3),
        }
        summary = self._api.get(self._path(), query if waits > 0 else {"detail": "summary"}, waits)
        with self._lock:
            if self._ended():
                return self._summary
            if summary["counts"]["finished"] != self._count_of(self._full) or summary["stamps"]["ended"] is not None:
                # Results travel only when there are new ones.
                self._full = self._api.get(self._path(), {"detail": "full", "results": "true"})
            self._summary = {
                **summary,
                **{name: self._full[name] for name in ("state", "stamps") if self._full},
            }
            if self._ended():
                self._call.done = time.time()
            self._call.looks += 1
            return self._summary

    def _ended(self) -> bool:
        return bool(self._summary) and self._summary["stamps"]["ended"] is not None

    def _settled(self, worker: int) -> bool:
        if self._ended():
            return True
        return bool(self._full) and self._full["workers"][worker]["state"] in (
            "returned",
            "returned_error",
        )

    def _wait_for(
        self,
        condition: Any,
        timeout: Optional[float],
        progress: Optional[bool],
        what: str,
    ) -> None:
        began = time.monotonic()
        with ProgressBar(progress) as bar:
            look = 0.0
            while True:
                bar.show(self._look(look))
                if condition():
                    return
                left = float("inf") if timeout is None else began + timeout - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{what} has not ended within {timeout} s; it goes on: flare {self.id}")
                age = time.monotonic() - began
                look = SHORTEST_LOOK if bar.shown else min(max(SHORTEST_LOOK, age / 10), LONGEST_LOOK)
                look = max(0.001, min(look, left))

    def _result_of(self, worker: int) -> Any:
        result = self._result_or_error(worker)
        if isinstance(result, GustError):
            raise result
        return result

    def _result_or_error(self, worker: int) -> Any:
        entry = self._full["workers"][worker]
        if entry["state"] == "returned":
            return entry["result"]
        if entry["state"] == "returned_error":
            message = entry["result"]["error"]
            return WorkerError(worker, message, self._traceback(worker, message))
        return self._failure()

    # Parts of these.

    def _path(self) -> str:
        return f"/namespaces/_/flares/{quoted(self.id)}"

    @staticmethod
    def _count_of(record: Record) -> int:
        return record["counts"]["finished"] if record else 0

    def _failure(self) -> GustError:
        cause = self._full["cause"]
        return flare_failed(self.id, self._full["state"], cause["message"] if cause else "unknown cause")

    def _log_lines(self, path: str) -> List[str]:
        lines: List[str] = []
        start, moved = 0, True
        while moved:
            page = self._api.get(path, {"follow": "true", "from": start})
            lines += page["logs"]
            moved = page["next"] > start and not page["ended"]
            start = page["next"]
        return lines

    def _traceback(self, worker: int, message: str) -> Optional[str]:
        # A worker's result may be here before its log, which follows it soon.
        deadline = time.monotonic() + LOG_PATIENCE
        while True:
            ended = self._ended()
            trace = traceback_of(self._logs_of(worker, ended), worker, len(self), message)
            if trace or ended or time.monotonic() > deadline:
                return trace
            time.sleep(LOG_POLL)

    def _logs_of(self, worker: int, ended: bool) -> List[str]:
        for activation in self._full["activations"]:
            if 0 <= worker - activation["first_worker"] < activation["workers"]:
                path = f"/namespaces/_/activations/{quoted(activation['id'])}/logs"
                with self._lock:
                    if path not in self._logs:
                        try:
                            lines = self._log_lines(path)
                        except ApiError:  # its record is gone
                            return []
                        if not ended:
                            return lines
                        self._logs[path] = lines  # of all of its workers: read once
                    return self._logs[path]
        return []
