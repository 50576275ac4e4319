"""What all system tests share: the built programs and the published data.

GUST_BIN names the `gust` to test, GUST_PUBLISHED_DATA the folder with the published start-up measurements.
"""

import os
import pathlib
import subprocess

import pytest

from cluster import Cluster

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def gust_bin():
    """Path of the program `gust`; the other programs stand beside it."""
    path = pathlib.Path(os.environ.get("GUST_BIN", ROOT / "build/release/bin/gust")).resolve()
    assert path.exists(), f"{path} is not there: build it first, or name another one in GUST_BIN"
    return path


@pytest.fixture(scope="session")
def gust(gust_bin):
    """Runs `gust` with arguments to its end; gives returncode, stdout and stderr as text."""

    def run(*arguments, timeout=60, **options):
        return subprocess.run(
            [gust_bin, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=timeout, **options
        )

    return run


@pytest.fixture(scope="session")
def published():
    """The folder with the published measurements: <burst size>/gran<granularity>.csv."""
    default = ROOT.parent / "shared/data/published-invocation"
    path = pathlib.Path(os.environ.get("GUST_PUBLISHED_DATA", default))
    if not path.is_dir():
        pytest.skip(f"the published measurements are not in {path}; name their folder in GUST_PUBLISHED_DATA")
    return path


@pytest.fixture(scope="session")
def worker(gust_bin):
    """Compiled workers by name: of tests/workers and tests/system/workers, as the build made them."""
    built = gust_bin.parent.parent / "test_workers"

    def path(name):
        found = built / f"{name}.so"
        assert found.exists(), f"{found} is not there: build the target test_workers"
        return found

    return path


@pytest.fixture(scope="module")
def make_cluster(gust_bin, tmp_path_factory):
    """Gives clusters that are not started yet: to be used with `with`."""

    def make(*flags, **options):
        return Cluster(gust_bin, tmp_path_factory.mktemp("runtime"), *flags, **options)

    return make
