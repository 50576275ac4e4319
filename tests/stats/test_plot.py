"""`gust plot`: figures from result files, and what refuses to become one."""

import os
import shutil

import pytest

HEADER = "host_job_create_tstamp,worker_start_tstamp,worker_end_tstamp,hostname"
MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF-", "svg": b"<?xml"}

pytestmark = pytest.mark.skipif(shutil.which("gnuplot") is None, reason="gnuplot is not installed")


@pytest.fixture
def results(tmp_path):
    directory = tmp_path / "results" / "8"
    directory.mkdir(parents=True)
    for name in ("faas", "gran1", "gran4"):
        rows = "".join(f"100,{100 + 0.01 * i},{101 + 0.01 * i},{i // 4}\n" for i in range(8))
        (directory / f"{name}.csv").write_text(f"{HEADER}\n{rows}")
    return directory


@pytest.mark.parametrize("kind", ["startup", "simultaneity"])
@pytest.mark.parametrize("extension", MAGIC)
def test_formats(gust, results, tmp_path, kind, extension):
    figure = tmp_path / f"figure.{extension}"
    done = gust("plot", kind, results, "-o", figure)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{figure}\n", "")
    assert figure.read_bytes().startswith(MAGIC[extension])


def test_rows_and_panels_of_startup(gust, results, tmp_path):
    assert gust("plot", "startup", results.parent, "-o", tmp_path / "both.svg").returncode == 0
    both = (tmp_path / "both.svg").read_text()
    assert [f">{text}<" in both for text in ("FaaS", "1", "4", "8 workers", "Latency (ms)")] == [True] * 5
    (results / "faas.csv").unlink()
    assert gust("plot", "startup", results.parent, "-o", tmp_path / "one.svg").returncode == 0
    one = (tmp_path / "one.svg").read_text()
    assert ">FaaS<" in one
    assert ">1<" not in one


def test_published_files(gust, published, tmp_path):
    for kind in ("startup", "simultaneity"):
        figure = tmp_path / f"{kind}.svg"
        done = gust("plot", kind, published / "480", published / "960", "-o", figure)
        assert done.returncode == 0
        assert "every measurement stands twice" in done.stderr
        assert "Latency (s)" in figure.read_text() or kind == "simultaneity"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("figure.jpeg", "'.jpeg' is not a figure's extension; write .pdf, .png or .svg"),
        ("figure", "write .pdf, .png or .svg"),
        ("absent/figure.png", "No such file or directory"),
    ],
)
def test_output_that_cannot_be(gust, results, tmp_path, output, message):
    target = tmp_path / "out"
    target.mkdir()
    done = gust("plot", "startup", results, "-o", target / output)
    assert done.returncode == 2
    assert message in done.stderr
    assert list(target.iterdir()) == []


def test_no_figure_from_half_of_the_files(gust, results, tmp_path):
    (results / "gran2.csv").write_text("not,a,result\n")
    done = gust("plot", "startup", results, "-o", tmp_path / "figure.png")
    assert done.returncode == 2
    assert "gran2.csv:1: not a result file" in done.stderr
    assert not (tmp_path / "figure.png").exists()


def test_run_that_is_not_there(gust, results, tmp_path):
    done = gust("plot", "simultaneity", results / "gran4.csv", "--run", "3", "-o", tmp_path / "figure.png")
    assert done.returncode == 2
    assert "has no run 3" in done.stderr


def test_without_gnuplot(gust, results, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    done = gust("plot", "startup", results, "-o", tmp_path / "figure.png", env={**os.environ, "PATH": str(empty)})
    assert done.returncode == 1
    assert "apt install gnuplot-nox" in done.stderr
    assert not (tmp_path / "figure.png").exists()
