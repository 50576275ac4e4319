"""What workers are told when others are gone: nobody hangs, and the message names the worker and the cause."""

import time

import pytest


def talk(flare, *params, granularity=1):
    return flare("talk", list(params), granularity=granularity, folder="test_workers")


def error(flare, worker):
    entry = flare["workers"][worker]
    assert entry["state"] == "returned_error", entry
    return str(entry)


@pytest.mark.parametrize(("workers", "granularity"), [(1, 1), (2, 1), (3, 2), (13, 5), (48, 6)])
def test_every_operation(flare, workers, granularity):
    ended = talk(flare, *[{"do": "everything"}] * workers, granularity=granularity)
    assert ended["state"] == "succeeded", ended["cause"]
    for worker in ended["workers"]:
        answer, own = worker["result"], worker["worker"]
        assert answer["same address"] is True
        assert answer["all_to_all"] == [own % 3] * workers
        assert answer["broadcast"] == workers - 1
        assert answer["sum"] == workers * (workers - 1) // 2
        assert answer["first"] == min(1, workers - 1)
        assert answer["gather"] == ([w for w in range(workers) if w % 2] if own == 0 else [])
        assert answer["all_gather"] == workers
        assert answer["scatter"] == own % 3


def test_a_crash_wakes_those_that_wait_for_it_with_its_cause(flare):
    began = time.monotonic()
    ended = talk(
        flare,
        {"do": "receive", "peer": 1},
        {"do": "crash when peer waits", "peer": 2},
        {"do": "send", "peer": 1},
        {"do": "receive", "peer": 1},
    )
    assert time.monotonic() - began < 5
    assert ended["state"] == "failed"
    assert "worker 1 crashed with SIGSEGV" in ended["cause"]["message"]
    for worker in (0, 3):
        assert "worker 1" in error(ended, worker) and "SIGSEGV" in error(ended, worker)


def test_a_worker_that_fails_is_known_in_other_packs(flare):
    ended = talk(flare, {"do": "fail"}, {"do": "receive", "peer": 0})
    assert "no such file" in error(ended, 0)
    assert "worker 0 has ended" in error(ended, 1)


def test_a_pack_that_ended_without_a_word_is_known_in_other_packs(flare):
    ended = talk(flare, {"do": "return"}, {"do": "receive", "peer": 0}, {"do": "receive from any"}, {"do": "barrier"})
    assert "worker 0 has ended" in error(ended, 1)
    error(ended, 2)
    error(ended, 3)


def test_a_time_out_names_whom_it_waited_for(flare):
    ended = talk(
        flare, {"do": "receive", "peer": 1, "limit_us": 50_000}, {"do": "receive", "peer": 0, "limit_us": 3_000_000}
    )
    assert "timed out: worker 0 waited for a message from worker 1" in error(ended, 0)


def test_different_operations_in_different_packs(flare):
    ended = talk(flare, {"do": "barrier"}, {"do": "sum"})
    assert any("same operations" in error(ended, worker) for worker in (0, 1))


def test_what_was_sent_before_the_end_arrives(flare):
    ended = talk(flare, {"do": "receive", "peer": 1}, {"do": "send", "peer": 0})
    assert [worker["result"] for worker in ended["workers"]] == [1, "sent"]
