"""Collectives of one pack of 48 workers beside OpenMPI's of 48 processes."""

import os
import pathlib
import statistics

KIB, MIB = 1 << 10, 1 << 20
SOURCE = pathlib.Path(__file__).with_name("collectives.c")
WORKERS = 48


def collectives(peers):
    """Broadcast, all-reduce and all-to-all."""
    mpirun = peers.need("mpirun", "openmpi-bin")
    program = peers.folder / "collectives"
    peers.run(peers.need("mpicc", "libopenmpi-dev"), "-O2", "-Wall", "-Wextra", SOURCE, "-o", program)
    as_root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
    workers = 8 if peers.quick else WORKERS
    iterations = 3 if peers.quick else 5

    def theirs(operation, size):
        out = peers.run(
            mpirun, *as_root, "--oversubscribe", "-n", workers, program, operation, size, 2, iterations
        )  # fmt: skip
        return statistics.median(map(float, out.split())) * 1e3

    def ours(operation, size):
        (run,) = peers.bench(
            "collective", "--collective", operation, "--workers", workers, "--granularity", workers,
            "--payload", size, "--warm-up", 2, "--iterations", iterations, "--invokers", 1
        )  # fmt: skip
        return run["p50"] * 1e3

    for operation in ("broadcast", "all-reduce", "all-to-all"):
        for size in (KIB, 64 * KIB) if peers.quick else (KIB, 64 * KIB, MIB):
            text = f"{size // KIB} KiB" if size < MIB else f"{size // MIB} MiB"
            peers.compare(
                f"{operation}, {workers} workers, {text}",
                "ms",
                lambda operation=operation, size=size: ours(operation, size),
                lambda operation=operation, size=size: theirs(operation, size),
                1.0,
            )
