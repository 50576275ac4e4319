"""Client of Gust: deploys actions, starts bursts of workers, and gives their results.

    import gust

    def square(x):
        return x * x

    with gust.Client() as client:
        print(client.map(square, range(960), granularity=48).get_result())

Pure Python of the standard library, 3.9 or newer. docs/python.md of Gust's repository tells the whole of it.
"""

from .burst import Burst
from .client import Client
from .errors import (
    ApiError,
    ConfigurationError,
    FlareCancelled,
    FlareFailed,
    FlareTimedOut,
    GustError,
    ShippingError,
    Unreachable,
    WorkerError,
)
from .flare import Flare, Future
from .stats import Stats
from .waiting import ALL_COMPLETED, ANY_COMPLETED, wait

__all__ = [
    "ALL_COMPLETED",
    "ANY_COMPLETED",
    "ApiError",
    "Burst",
    "Client",
    "ConfigurationError",
    "Flare",
    "FlareCancelled",
    "FlareFailed",
    "FlareTimedOut",
    "Future",
    "GustError",
    "ShippingError",
    "Stats",
    "Unreachable",
    "WorkerError",
    "wait",
]
