"""What the tests send to workers: functions of a module that workers do not have."""

import collections
import functools
import os.path
import time
from math import comb as choose

OFFSET = 1000
NAMES = {"a": (1, 2.5), "b": None}


def square(x):
    return x * x


def uses_others(x):
    """Another function, a constant, a module, a function of a module, a class of this module."""
    return [square(x) + OFFSET, choose(x + 2, 2), os.path.join("a", str(x)), Pair(x, NAMES["a"][1]).total()]


class Pair(collections.namedtuple("Pair", "a b")):
    def total(self):
        return self.a + self.b


def doubled(function):
    @functools.wraps(function)
    def inner(*arguments):
        return 2 * function(*arguments)

    return inner


@doubled
def decorated(x):
    return x + 1


def factorial(n):
    return n * factorial(n - 1) if n > 1 else 1


def who(params, burst):
    return {
        "worker": burst.worker_id,
        "of": burst.burst_size,
        "pack": burst.pack_id,
        "mine": burst.pack_of(burst.worker_id),
        "leader": burst.is_leader,
        "params": params,
    }


def inner_failure(x):
    return {"key": 1}[x]


def fails_on_odd(x):
    if x % 2:
        try:
            inner_failure(x)
        except KeyError as error:
            raise ValueError(f"{x} is odd") from error
    return x


def sleeps(seconds):
    time.sleep(seconds)
    return seconds


def dies(params):
    os.abort()


def prints(x):
    print(f"value {x}")


def scaled(factor):
    """A closure: source does not say what factor is."""

    def inner(x):
        return factor * choose(x + 1, 1)

    return inner


def prints_and_waits(seconds):
    print("begins")
    time.sleep(seconds)
    print("ends")


def fails_or_sleeps(seconds):
    time.sleep(seconds)
