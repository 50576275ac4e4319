"""Scripts made for the published result files, in R with ggplot2, read ours."""

import os
import pathlib
import shutil
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).with_name("read_results.R")


def r_has_ggplot2():
    if shutil.which("Rscript") is None:
        return False
    return subprocess.run(["Rscript", "-e", "library(ggplot2)"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not r_has_ggplot2(), reason="R with ggplot2 is not installed")


def read_with_r(results, figure):
    return subprocess.run(
        ["Rscript", SCRIPT, results, figure], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def sample(tmp_path, gust_bin):
    """48 workers on 12 invokers, written by the writer that `gust bench` uses."""
    program = gust_bin.with_name("gust_stats_test")
    if not program.exists():
        pytest.skip(f"no {program}: built without tests")
    path = tmp_path / "gran48.csv"
    subprocess.run(
        [program, "--gtest_filter=ResultFile.ReadsWhatItWrote"],
        check=True,
        capture_output=True,
        env={**os.environ, "GUST_SAMPLE_RESULTS": str(path)},
    )
    return path


def test_r_reads_and_draws_our_files(sample, tmp_path):
    done = read_with_r(sample, tmp_path / "figure.pdf")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "48 workers, latency 0.126544 to 0.173544\n"
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (("worker_end_tstamp", "ended"), "no column worker_end_tstamp"),
        (("1700000000.123456", "yesterday"), "host_job_create_tstamp is not numeric"),
        ((",True,", ",yes,"), "worker_cold_start is neither"),
    ],
)
def test_the_script_would_notice(sample, tmp_path, damage, message):
    sample.write_text(sample.read_text().replace(*damage))
    done = read_with_r(sample, tmp_path / "figure.pdf")
    assert done.returncode != 0
    assert message in done.stderr
