"""The counters in a flare's report equal the formulas of docs/collectives.md."""

import pytest
from conftest import results

MIB = 1 << 20
PACKINGS = [(1, 1), (4, 4), (3, 1), (5, 2), (13, 5), (16, 3)]


def packs_of(workers, granularity):
    return [min(granularity, workers - first) for first in range(0, workers, granularity)]


def expected(operation, root, packs, size):
    """Messages and bytes between packs."""
    n, count = sum(packs), len(packs)
    segments = max(1, -(-size // MIB))
    squares = sum(pack * pack for pack in packs)
    pack_of = [pack for pack, members in enumerate(packs) for _ in range(members)]
    to_root = 0 if pack_of[root] == count - 1 else 1
    others = n - packs[pack_of[root]]
    return {
        "barrier": (count * (count - 1).bit_length(), 0),
        "broadcast": ((count - 1) * segments, (count - 1) * size),
        "reduce": ((count - 1 + to_root) * segments, (count - 1 + to_root) * size),
        "all_reduce": (2 * (count - 1) * segments, 2 * (count - 1) * size),
        "gather": (count - 1, others * (size + 8)),
        "all_gather": (count * (count - 1), (count - 1) * n * (size + 8)),
        "scatter": (count - 1, others * (size + 8)),
        "all_to_all": (count * (count - 1), (n * n - squares) * (size + 8)),
    }[operation]


def run(flare, operation, workers, granularity, root, size):
    params = {"do": "one", "operation": operation, "root": root, "bytes": size}
    ended = flare("talk", params, workers, granularity, folder="test_workers")
    results(ended)
    return ended


def check_sum(ended):
    for counter, total in ended["traffic"].items():
        assert total == sum(pack["traffic"][counter] for pack in ended["packs"])


@pytest.mark.parametrize(("workers", "granularity"), PACKINGS)
@pytest.mark.parametrize(
    "operation",
    ["barrier", "broadcast", "reduce", "all_reduce", "gather", "all_gather", "scatter", "all_to_all"],
)
def test_an_operation_of_all_workers(flare, operation, workers, granularity):
    packs = packs_of(workers, granularity)
    for root, size in [(0, 10), (workers - 1, 0)]:
        ended = run(flare, operation, workers, granularity, root, size)
        messages, sent = expected(operation, root, packs, size)
        assert ended["traffic"] == {
            "local_messages": 0,
            "local_bytes": 0,
            "remote_messages": messages,
            "remote_bytes": sent,
        }
        check_sum(ended)


@pytest.mark.parametrize("operation", ["broadcast", "reduce", "all_reduce", "all_to_all"])
def test_more_than_one_segment(flare, operation):
    ended = run(flare, operation, 5, 2, 2, 2 * MIB + 1)
    messages, sent = expected(operation, 2, packs_of(5, 2), 2 * MIB + 1)
    assert (ended["traffic"]["remote_messages"], ended["traffic"]["remote_bytes"]) == (messages, sent)


@pytest.mark.parametrize(("workers", "granularity"), PACKINGS)
def test_one_to_one(flare, workers, granularity):
    ended = run(flare, "ring", workers, granularity, 0, 1000)
    packs = len(packs_of(workers, granularity))
    across = packs if packs > 1 else 0
    assert ended["traffic"] == {
        "local_messages": workers - across,
        "local_bytes": (workers - across) * 1000,
        "remote_messages": across,
        "remote_bytes": across * 1000,
    }
    check_sum(ended)


def test_who_does_not_talk_has_sent_nothing(flare):
    ended = flare("hello", {}, 3, 2)
    assert set(ended["traffic"].values()) == {0}
