"""`gust bench pair`, `throughput` and `collective` on small shapes: JSON, files, figures, and what they refuse."""

import csv
import json
import shutil

import pytest

from redis_server import RedisServer

NUMBERS = {"operation", "backend", "workers", "granularity", "packs", "payload_bytes", "chunk_bytes", "run", "iterations",
           "min", "p50", "p90", "p99", "max", "range", "median_abs_dev", "iqr", "total_bytes", "mib_per_second"}  # fmt: skip
COLLECTIVES = ["broadcast", "reduce", "all-reduce", "gather", "scatter", "all-to-all", "barrier"]


@pytest.fixture(scope="module")
def bench(gust, environment):
    """Runs `gust bench` with a cluster of its own; gives the runs as JSON."""

    def run(*arguments):
        done = gust("bench", *arguments, "--json", env=environment, timeout=120)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        runs = json.loads(done.stdout)
        for entry in runs:
            assert set(entry) == NUMBERS
            assert 0 < entry["min"] <= entry["p50"] <= entry["p90"] <= entry["p99"] <= entry["max"]
            expected = entry["total_bytes"] / 2**20 / entry["p50"]
            assert entry["mib_per_second"] == pytest.approx(expected, rel=1e-6)
        return runs

    return run


@pytest.fixture(scope="module")
def results(bench, tmp_path_factory):
    """One small experiment of each kind: the runs, and the folder with the files."""
    folder = tmp_path_factory.mktemp("results")
    few = ["--iterations", 3, "--warm-up", 1, "--out", folder]
    return folder, {
        "pair": bench("pair", "--payload", "1,1000000", "--repeat", 2, *few),
        "throughput": bench("throughput", "--workers", "2,6", "--payload", "300KiB", *few),
        "collective": bench("collective", "--workers", 13, "--granularity", "5,13", "--payload", "64KiB", *few),
    }


def test_pair(results):
    runs = results[1]["pair"]
    assert [(run["run"], run["payload_bytes"]) for run in runs] == [(1, 1), (1, 1000000), (2, 1), (2, 1000000)]
    for run in runs:
        assert (run["operation"], run["backend"], run["iterations"]) == ("pair", "tcp", 3)
        assert (run["workers"], run["granularity"], run["packs"]) == (2, 1, 2)


def test_throughput(results):
    runs = results[1]["throughput"]
    assert [(run["workers"], run["granularity"], run["packs"]) for run in runs] == [(2, 1, 2), (6, 3, 2)]
    assert [run["total_bytes"] for run in runs] == [300 * 1024, 3 * 300 * 1024]


def test_collectives(results):
    runs = results[1]["collective"]
    assert [run["operation"] for run in runs] == [name for name in COLLECTIVES for _ in range(2)]
    for run in runs:
        assert (run["workers"], run["packs"]) == (13, -(-13 // run["granularity"]))
        assert run["payload_bytes"] == (0 if run["operation"] == "barrier" else 65536)


def test_files_hold_every_iteration(results):
    folder, runs = results
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(f"{name}-tcp.csv" for name in ["pair", "throughput", *COLLECTIVES])
    with (folder / "pair-tcp.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 3
    assert [row["iteration"] for row in rows[:3]] == ["0", "1", "2"]
    seconds = [float(row["seconds"]) for row in rows[:3]]
    assert min(seconds) == pytest.approx(runs["pair"][0]["min"], abs=1e-9)


@pytest.mark.skipif(shutil.which("gnuplot") is None, reason="gnuplot is not installed")
def test_figures(results, gust, tmp_path):
    folder, _ = results
    for kind, names in {"pair": ["pair"], "throughput": ["throughput"], "collective": COLLECTIVES}.items():
        files = [folder / f"{name}-tcp.csv" for name in names]
        for extension in ("svg", "png"):
            figure = tmp_path / f"{kind}.{extension}"
            done = gust("plot", kind, *files, "-o", figure)
            assert (done.returncode, done.stdout, done.stderr) == (0, f"{figure}\n", "")
        if kind == "collective":
            text = (tmp_path / "collective.svg").read_text()
            assert [name for name in names if f">{name}<" not in text] == []
        assert (tmp_path / f"{kind}.png").stat().st_size > 10_000


@pytest.mark.parametrize("backend", ["redis-list", "redis-stream"])
def test_by_way_of_a_server(bench, tmp_path, backend):
    with RedisServer(tmp_path) as server:
        flags = ["--backend", backend, "--redis", server.uri, "--iterations", 2]
        runs = bench("pair", "--payload", "300000", "--chunk", "64KiB,1MiB", *flags)
        assert [(run["backend"], run["chunk_bytes"]) for run in runs] == [(backend, 65536), (backend, 1 << 20)]
        runs = bench("collective", "--collective", "all-to-all", "--workers", 13, "--granularity", 5, "--payload",
                     "64KiB", *flags)  # fmt: skip
        assert [(run["backend"], run["packs"]) for run in runs] == [(backend, 3)]
        server.wait_empty()


def test_against_another_cluster(bench, cluster, environment):
    assert cluster.poll() is None
    endpoint = next(line for line in open_up_file(environment) if line.startswith("endpoint")).split('"')[1]
    runs = bench("collective", "--collective", "all-to-all", "--workers", 24, "--granularity", 7, "--payload", "1KiB",
                 "--endpoint", endpoint, "--iterations", 2)  # fmt: skip
    assert [(run["workers"], run["packs"]) for run in runs] == [(24, 4)]


def open_up_file(environment):
    with open(f"{environment['XDG_RUNTIME_DIR']}/gust/up.toml", encoding="utf-8") as file:
        return file.readlines()


def test_wrong_data_end_the_run(gust, gust_bin, environment):
    worker = gust_bin.parent.parent / "test_workers/wrong_data.so"
    done = gust("bench", "pair", "--payload", "1KiB", "--code", worker, env=environment)
    assert done.returncode == 1
    assert done.stdout == ""
    assert (
        "bench pair: pair, 2 workers in packs of 1, 1 KB: worker 1: wrong data: byte 1000 of iteration 0" in done.stderr
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["pair", "--payload", "much"], 2, "bench pair: payload: 'much' is not a size; write for example 512MB"),
        (["pair", "--chunk", "100"], 2, "chunk size '100' is not a multiple of 1 KiB"),
        (["throughput", "--workers", "2,5"], 2, "burst size 5 is odd; pairs need an even number of workers"),
        (["collective", "--collective", "sum"], 2, "there is no collective 'sum'; there are broadcast, reduce"),
        (["collective", "--granularity", "0"], 2, "granularity '0' is not a whole number from 1 on"),
        (["collective", "--collective", "reduce", "--payload", "9"], 2, "not a multiple of 8 bytes"),
        (["pair", "--iterations", "0"], 2, "0 is not a whole number from 1 on"),
        (["pair", "--payload", "8", "--code", "/absent.so"], 2, "the compiled worker (--code): cannot read /absent.so"),
        (["pair", "--payload", "8", "--endpoint", "http://127.0.0.1:1"], 3, "bench pair:"),
        (
            ["pair", "--endpoint", "http://127.0.0.1:1", "--redis", "redis://127.0.0.1"],
            2,
            "excludes",
        ),
        (["pair", "--payload", "8", "--backend", "pigeon"], 2, "pigeon"),
        (["pair", "--payload", "8", "--backend", "redis-list"], 2, "redis"),
    ],
)
def test_bad_input(gust, environment, arguments, code, message):
    done = gust("bench", *arguments, env=environment)
    assert done.returncode == code
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected what gust bench pair"),
        ("a,b\n1,2\n", ":1: not a transfer file: no column operation in 'a,b'"),
    ],
)
def test_no_figure_of_what_is_no_result(gust, tmp_path, text, message):
    (tmp_path / "file.csv").write_text(text)
    done = gust("plot", "pair", tmp_path / "file.csv", "-o", tmp_path / "figure.png")
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "figure.png").exists()


def test_a_wrong_value_is_told_with_its_place(results, gust, tmp_path):
    good = (results[0] / "pair-tcp.csv").read_text()
    (tmp_path / "file.csv").write_text(good.replace("pair,tcp,2", "pair,tcp,two", 1))
    done = gust("plot", "pair", tmp_path / "file.csv", "-o", tmp_path / "figure.png")
    assert done.returncode == 2
    assert "file.csv:2:3: 'two' is not a number in column workers" in done.stderr


def test_a_figure_is_of_its_operation(results, gust, tmp_path):
    done = gust("plot", "pair", results[0] / "broadcast-tcp.csv", "-o", tmp_path / "figure.png")
    assert done.returncode == 2
    assert "draw them with gust plot collective" in done.stderr
