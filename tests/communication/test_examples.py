"""The examples that communicate, over several packings."""

import pytest
from conftest import results

PACKINGS = [(1, 1), (2, 1), (3, 2), (5, 2), (8, 8), (16, 5), (48, 1), (48, 24), (48, 7)]


@pytest.mark.parametrize(("workers", "granularity"), PACKINGS)
def test_ring(flare, workers, granularity):
    assert results(flare("ring", {}, workers, granularity)) == [workers, *range(1, workers)]


@pytest.mark.parametrize("size", [0, 1, 1_000_000, 5_000_001])
@pytest.mark.parametrize(("workers", "granularity"), [(1, 1), (12, 4), (48, 24), (16, 1)])
def test_broadcast_shares_memory_inside_a_pack(flare, workers, granularity, size):
    answers = results(flare("broadcast", {"bytes": size}, workers, granularity))
    expected = sum(range(256)) * (size // 256) + sum(range(size % 256))
    assert {(answer["bytes"], answer["sum"]) for answer in answers} == {(size, expected)}
    for pack in {answer["pack"] for answer in answers}:
        assert len({answer["address"] for answer in answers if answer["pack"] == pack}) == 1


def test_sum_is_the_same_to_the_last_bit_for_every_granularity(flare):
    sums = {
        answer
        for granularity in (1, 2, 5, 7, 16, 24)
        for answer in results(flare("sum", {"n": 1_000_003}, 24, granularity))
    }
    assert len(sums) == 1
    assert abs(sums.pop() - 14.392729) < 1e-5
