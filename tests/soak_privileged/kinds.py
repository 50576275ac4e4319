"""What kinds of flares a soak starts: their parameters, how they may end without a fault, and what must come out."""

import collections
import dataclasses
from collections.abc import Callable

PYTHON_CODE = """\
import time


def work(params, burst):
    time.sleep(params["seconds"])
    return {"worker": burst.worker_id, "of": burst.burst_size}
"""


def each(count, value):
    return [value] * count


@dataclasses.dataclass(frozen=True)
class Kind:
    """`params` makes the workers' parameters, given a random generator and their number; `end` is the state that it ends
    in when nothing befalls it, `wrong` says what is wrong with a record in that state, if anything is."""

    name: str
    action: str
    params: Callable
    end: str = "succeeded"
    wrong: Callable = lambda record: None
    weight: int = 10
    least_workers: int = 1
    is_endless: bool = False  # its client cancels it
    retries: bool = True


def results(record):
    return [worker["result"] for worker in record["workers"]]


def told_its_place(record):
    """Each worker's result says which it is: none is missing, none is there twice, none is another's."""
    for number, result in enumerate(results(record)):
        if not isinstance(result, dict) or (result.get("worker"), result.get("of")) != (number, record["burst_size"]):
            return f"worker {number} of {record['burst_size']} returned {result}"
    return None


def all_equal(expected):
    def wrong(record):
        strange = sorted({str(result) for result in results(record) if result != expected(record)})
        return f"workers returned {strange} instead of {expected(record)}" if strange else None

    return wrong


def summed_up(record):
    size = record["burst_size"]

    def is_right(result):
        return isinstance(result, dict) and (result.get("sum"), result.get("all_gather")) == (
            size * (size - 1) // 2,
            size,
        )

    strange = sorted({str(result) for result in results(record) if not is_right(result)})
    return f"of {size} workers some returned {strange}" if strange else None


def one_error(record):
    errors = collections.Counter(isinstance(result, dict) and "error" in result for result in results(record))
    return None if errors[True] == 1 else f"{errors[True]} workers returned an error, and one threw"


def crashed(record):
    return None if record["cause"]["code"] == "crashed" else f"a crash ended it as {record['cause']}"


def sleeping(random, workers):
    return each(workers, {"do": "sleep", "seconds": round(random.choice([0.02, 0.2, 1.5]) * random.random(), 3)})


def crashing(random, workers):
    what = random.choice([{"do": "fault"}, {"do": "abort"}, {"do": "exit", "code": 3}])
    return each(workers, {**what, "worker": random.randrange(workers), "others": "wait"})


KINDS = [
    Kind("sleep", "task", sleeping, wrong=told_its_place, weight=25),
    Kind("print", "task", lambda random, workers: each(workers, {"do": "print"}), wrong=told_its_place),
    Kind("python", "nap", lambda random, workers: each(workers, {"seconds": round(random.random(), 3)}),
         wrong=told_its_place, weight=6),
    Kind("rounds", "talk", lambda random, workers: each(workers, {"do": "rounds", "count": 300}),
         wrong=all_equal(lambda record: 300), least_workers=2),
    Kind("collectives", "talk", lambda random, workers: each(workers, {"do": "everything"}),
         wrong=summed_up, least_workers=2),
    Kind("throw", "misbehave",
         lambda random, workers: each(workers, {"do": "throw", "worker": random.randrange(workers)}), wrong=one_error,
         weight=6),
    Kind("crash", "misbehave", crashing, end="failed", wrong=crashed),
    Kind("time limit", "hurried", lambda random, workers: each(workers, {"do": "wait"}), end="timed_out", weight=5),
    Kind("endless", "misbehave", lambda random, workers: each(workers, {"do": "wait"}), end="cancelled", weight=10,
         is_endless=True),
]  # fmt: skip


def deploy_all(cluster, worker, folder):
    """`worker` gives the path of a compiled worker by its name."""
    for name in ("task", "talk", "misbehave"):
        cluster.deploy(name, worker(name))
    cluster.deploy("hurried", worker("misbehave"), "--timeout", "1s")
    code = folder / "nap.py"
    code.write_text(PYTHON_CODE)
    cluster.deploy("nap", code)


def choose(random, most_workers):
    """A kind, its workers' parameters, and the query with which to start it."""
    kind = random.choices(KINDS, [kind.weight for kind in KINDS])[0]
    workers = random.choice([1, 2, 3, 5, 8, random.randint(1, most_workers), most_workers // 2])
    workers = max(workers, kind.least_workers)
    query = {}
    if random.random() < 0.7:
        query["granularity"] = random.choice([1, 2, 3, 4, 8])
        if random.random() < 0.3:
            query["join"] = "true"
    if random.random() < 0.5:
        query["retries"] = random.randint(1, 3)
    if random.random() < 0.2:
        query["priority"] = random.randint(-10, 10)
    return kind, kind.params(random, workers), query
