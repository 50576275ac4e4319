"""A minute of ./dev soak."""

import pathlib
import subprocess

import pytest

from host_cluster import Hosts

PROGRAM = pathlib.Path(__file__).parent / "soak.py"
SECONDS = 60


@pytest.fixture(scope="module", autouse=True)
def namespaces():
    """Skips where there can be none."""
    try:
        with Hosts(1):
            pass
    except (OSError, RuntimeError) as error:
        pytest.skip(f"this machine permits no network namespaces: {error}")


def test_every_flare_has_one_outcome(gust_bin):
    done = subprocess.run(["/usr/bin/python3", "-B", PROGRAM, "--seconds", str(SECONDS)], capture_output=True, text=True,
                          check=False, timeout=600)  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 problems" in done.stdout
