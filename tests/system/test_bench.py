"""`gust bench` on a small shape: its JSON, its files, and who can read them."""

import json
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest

READ_RESULTS = pathlib.Path(__file__).parents[1] / "stats/read_results.R"
NUMBERS = {"workers", "distinct_workers", "peak_concurrent", "min", "p50", "p90", "p99", "max", "range", "mean_abs_dev",
           "median_abs_dev", "iqr", "floor_max", "ratio_to_floor"}  # fmt: skip


@pytest.fixture(scope="module")
def experiment(make_cluster, tmp_path_factory):
    """The runs as JSON, and the folder with the files."""
    folder = tmp_path_factory.mktemp("results")
    cluster = make_cluster()  # for its environment; the experiment brings up its own
    done = cluster.gust("bench", "startup", "--workers", 24, "--invokers", 2, "--slots", 12, "--granularity",
                        "1,12,faas", "--sleep", 0.5, "--repeat", 2, "--out", folder, "--json", timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert cluster.processes() == []
    return json.loads(done.stdout), folder / "24"


def test_numbers(experiment):
    runs, _ = experiment
    assert [run["granularity"] for run in runs] == [1, 12, "faas"] * 2
    assert [run["run"] for run in runs] == [1] * 3 + [2] * 3
    for run in runs:
        assert NUMBERS <= set(run)
        assert (run["workers"], run["distinct_workers"]) == (24, 24)
        assert 0 < run["min"] <= run["p50"] <= run["p90"] <= run["p99"] <= run["max"]
        assert run["range"] == pytest.approx(run["max"] - run["min"], abs=2e-6)
        assert run["ratio_to_floor"] == pytest.approx(run["max"] / run["floor_max"], rel=1e-3)
        if run["granularity"] != "faas":
            assert run["peak_concurrent"] == 24


def test_files(experiment, gust):
    runs, folder = experiment
    assert sorted(path.name for path in folder.iterdir()) == ["faas.csv", "gran1.csv", "gran12.csv"]
    summaries = json.loads(gust("stats", folder, "--json").stdout)
    assert len(summaries) == 6
    table = gust("stats", folder)
    assert table.returncode == 0
    assert table.stderr == ""
    header, *rows = (folder / "gran12.csv").read_text().splitlines()
    assert header.split(",")[23] == "hostname"
    assert len(rows) == 48  # two runs


def test_figures(experiment, gust, tmp_path):
    _, folder = experiment
    for arguments in (["startup", folder], ["simultaneity", folder / "gran12.csv", folder / "faas.csv"]):
        figure = tmp_path / f"{arguments[0]}.svg"
        done = gust("plot", *arguments, "-o", figure, timeout=120)
        assert done.returncode == 0, done.stderr
        assert "<svg" in figure.read_text()


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
@pytest.mark.parametrize("name", ["gran1.csv", "gran12.csv", "faas.csv"])
def test_published_scripts_read_them(experiment, tmp_path, name):
    _, folder = experiment
    if subprocess.run(["Rscript", "-e", "library(ggplot2)"], capture_output=True, check=False).returncode != 0:
        pytest.skip("ggplot2 is not installed")
    done = subprocess.run(["Rscript", READ_RESULTS, folder / name, tmp_path / "figure.pdf"], capture_output=True,
                          text=True, check=False, timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("48 workers")


def test_against_another_cluster(make_cluster):
    with make_cluster(invokers=2, slots=8) as cluster:
        runs = cluster.gust_json("bench", "startup", "--endpoint", cluster.endpoint, "--workers", 16, "--granularity",
                                 "8", "--sleep", 0.3)  # fmt: skip
        assert [run["distinct_workers"] for run in runs] == [16]
        cluster.wait_idle()


def test_floor(gust):
    done = gust("bench", "floor", "--workers", 24, "--granularity", "1,12", "--json")
    assert done.returncode == 0, done.stderr
    floors = json.loads(done.stdout)
    assert [run["granularity"] for run in floors] == [1, 12]
    for run in floors:
        assert 0 < run["p50"] <= run["max"] < 10


@pytest.mark.parametrize("pack_start", ["fork", "exec"])
def test_invocations(make_cluster, pack_start):
    cluster = make_cluster()  # for its environment; the experiment brings up its own
    runs = cluster.gust_json("bench", "invocations", "--driver", "process", "--clients", 2, "--seconds", 0.5, "--repeat",
                             2, "--pack-start", pack_start, "--json")  # fmt: skip
    assert cluster.processes() == []
    assert len(runs) == 2
    for run in runs:
        assert run["clients"] == 2
        assert run["answered"] == pytest.approx(run["per_second"] * 0.5, rel=0.5)
        assert 0 < run["p50"] <= run["p99"]
        assert run["floor_ratio"] == pytest.approx(run["floor_per_second"] / run["per_second"], rel=1e-3)
        assert 0 < run["client_cpu_share"] < 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_has_a_floor_without_namespaces(gust_bin):
    nobody = pwd.getpwnam("nobody")
    command = [gust_bin, "bench", "startup", "--workers", "24", "--invokers", "2", "--slots", "12", "--granularity", "12",
               "--sleep", "0.5", "--json"]  # fmt: skip
    with tempfile.TemporaryDirectory() as home:  # pytest's own are closed to others
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        own = {"HOME": home, "XDG_RUNTIME_DIR": home, "PATH": os.environ["PATH"]}
        as_nobody = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "env": own, "cwd": "/"}
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **as_nobody)
        except PermissionError:
            pytest.skip(f"{gust_bin} lies where others may not look")
    if done.returncode == 4:
        pytest.skip(f"no sandboxes for ordinary users here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    assert "the floor is measured without a sandbox's namespaces" in done.stderr
    assert [run["distinct_workers"] for run in json.loads(done.stdout)] == [24]
