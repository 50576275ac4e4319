"""Calls that are started and waited for later, between packs."""

import re

import pytest
from conftest import results


def talk(flare, *params, granularity=1):
    return flare("talk", list(params), granularity=granularity, folder="test_workers")


@pytest.mark.parametrize(("workers", "granularity"), [(1, 1), (2, 1), (3, 2), (13, 5), (48, 6)])
def test_everything_at_once(flare, workers, granularity):
    answers = results(talk(flare, *[{"do": "started"}] * workers, granularity=granularity))
    for own, answer in enumerate(answers):
        assert [answer["first"], answer["second"], answer["third"]] == [1, 2, 3]
        assert answer["in between"] == workers
        assert answer["all_to_all"] == [own % 3] * workers
        assert answer["broadcast"] == workers - 1
        assert answer["sum"] == workers * (workers - 1) // 2
        assert answer["largest"] == ([workers - 1, 0] if own == workers - 1 else [])
        assert answer["gather"] == (workers if own == 0 else 0)
        assert answer["all_gather"] == workers
        assert answer["scatter"] == own % 3


@pytest.mark.parametrize("granularity", [1, 2, 5])
def test_what_is_started_and_dropped_goes_on(flare, granularity):
    answers = results(talk(flare, *[{"do": "dropped"}] * 5, granularity=granularity))
    assert answers == ["ended"] + [[100_000, 42]] * 4


def test_a_failed_workers_started_calls_hold_nobody_up(flare):
    ended = talk(
        flare,
        {"do": "start and fail", "peer": 2},
        {"do": "receive", "peer": 0},
        {"do": "receive", "peer": 1},
        {"do": "barrier"},
    )
    for worker in (1, 3):
        assert ended["workers"][worker]["state"] == "returned_error"
        told = str(ended["workers"][worker])
        assert re.search(r"worker 0 has ended.*no such file", told), told


def test_waiting_for_a_moment_leaves_it_as_it_is(flare):
    answers = results(talk(flare, {"do": "patient", "peer": 1}, {"do": "patient", "peer": 0}))
    ready, together, receive, barrier, got = answers[0]
    assert (ready, together, got) == (False, False, 7)
    assert receive == "timed out: worker 0 waited for a message from worker 1"
    assert barrier.startswith("timed out: a barrier waited for")


def test_a_time_out_names_the_pack_it_waited_for(flare):
    ended = talk(
        flare, {"do": "barrier later", "limit_us": 300_000}, {"do": "receive", "peer": 0, "limit_us": 2_000_000}
    )
    entry = ended["workers"][0]
    assert entry["state"] == "returned_error"
    assert "worker 1" in str(entry) and "timed out" in str(entry)


@pytest.mark.parametrize(("workers", "granularity"), [(1, 1), (2, 1), (5, 2), (13, 5)])
def test_a_worker_in_c(flare, workers, granularity):
    answers = results(flare("talk_in_c", {}, workers, granularity, folder="test_workers"))
    total = workers * (workers - 1) // 2
    assert answers == [[(own - 1) % workers, 0, total, total] for own in range(workers)]


@pytest.mark.parametrize(("workers", "granularity"), [(5, 2), (13, 5)])
def test_memory_is_shared_by_a_pack(flare, workers, granularity):
    answers = results(talk(flare, *[{"do": "shared"}] * workers, granularity=granularity))
    for own, answer in enumerate(answers):
        first = own - own % granularity
        assert answer["places"] == list(range(first, min(first + granularity, workers)))
