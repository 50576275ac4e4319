"""A function of this file in 96 workers: counts the primes below 960,000, a range a worker.

pip install ./python && gust up --slots 48 &
python3 examples/primes.py
"""

import gust

STEP = 10_000


def count_primes(part):
    """Runs in a worker. What it needs of this file (STEP) is sent along."""
    first, last = part * STEP, (part + 1) * STEP
    composite = bytearray(STEP)
    for divisor in range(2, int(last**0.5) + 1):
        begin = max(divisor * divisor, first + -first % divisor)
        composite[begin - first :: divisor] = b"\1" * len(range(begin, last, divisor))
    return composite.count(0) - (2 if part == 0 else 0)


if __name__ == "__main__":
    with gust.Client() as client:
        flare = client.map(count_primes, range(96), granularity=48)
        print(sum(flare.get_result()), "primes")
        print(flare.stats())
