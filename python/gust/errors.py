"""What can go wrong. Every error has a sentence that says what was wrong and what to do."""

from __future__ import annotations

from typing import Optional


class GustError(Exception):
    """The base of all errors of this package."""


class ConfigurationError(GustError):
    """A setting is missing or wrong."""


class Unreachable(GustError):
    """No answer from the controller: it is not there, or the connection ended, or its certificate is not trusted."""


class ApiError(GustError):
    """The controller refused a request."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status  #: of HTTP
        self.message = message


class ShippingError(GustError):
    """A function cannot be sent to workers; the sentence says what of it cannot."""


class FlareFailed(GustError):
    """A flare ended before all of its workers had returned."""

    def __init__(self, flare_id: str, state: str, cause: str):
        super().__init__(f"flare {flare_id} {state.replace('_', ' ')}: {cause}")
        self.flare_id = flare_id
        self.state = state  #: "failed", "cancelled" or "timed_out"
        self.cause = cause  #: the controller's sentence: which worker, which signal, which limit


class FlareCancelled(FlareFailed):
    """Somebody cancelled it."""


class FlareTimedOut(FlareFailed):
    """It reached the time limit of its action."""


class RemoteTraceback(Exception):
    """Where an exception happened in a worker: shown as the cause of the error that stands for it here."""

    def __init__(self, text: str):
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


class WorkerError(GustError):
    """A worker's function raised an exception, or returned what cannot be a result."""

    def __init__(self, worker_id: int, message: str, traceback: Optional[str]):
        super().__init__(f"worker {worker_id}: {message}")
        self.worker_id = worker_id
        self.message = message  #: "Type: text" of the exception
        self.traceback = traceback  #: as the worker printed it; None when its log does not have it (any more)
        if traceback:
            self.__cause__ = RemoteTraceback(traceback)


def flare_failed(flare_id: str, state: str, cause: str) -> FlareFailed:
    """The error that fits the state in which a flare has ended."""
    kind = {"cancelled": FlareCancelled, "timed_out": FlareTimedOut}.get(state, FlareFailed)
    return kind(flare_id, state, cause)
