"""`gust stats`: tables and JSON from result files, ours and published ones."""

import json

import pytest

HEADER = "host_job_create_tstamp,worker_start_tstamp,worker_end_tstamp,hostname"

# What the published files say, recomputed independently: (n, g) -> min, p50, p99, max, range, mean and median absolute
# deviation, seconds to two decimals.
PUBLISHED = {
    (48, 1): (1.67, 5.23, 15.52, 16.99, 15.31, 2.21, 1.80),
    (48, 12): (1.65, 1.72, 1.88, 1.88, 0.23, 0.09, 0.07),
    (48, 48): (1.36, 1.39, 1.51, 1.51, 0.15, 0.04, 0.03),
    (480, 1): (1.80, 5.76, 19.76, 20.63, 18.83, 2.65, 1.90),
    (480, 2): (1.74, 3.79, 5.56, 5.63, 3.88, 0.90, 0.89),
    (480, 12): (1.43, 1.87, 2.12, 2.13, 0.70, 0.15, 0.13),
    (480, 48): (1.34, 1.58, 1.77, 1.78, 0.44, 0.10, 0.10),
}
FIELDS = ("min", "p50", "p99", "max", "range", "mean_abs_dev", "median_abs_dev")


def write(path, *rows, header=HEADER):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def table(text):
    """The rows of a printed table by granularity, each as a mapping from column to text."""
    lines = text.splitlines()
    assert lines[0] == "Start-up latency in seconds (worker start - job create)"
    names = lines[1].split()
    rows = [dict(zip(names, line.replace("1 (FaaS)", "1").split(), strict=True)) for line in lines[2:]]
    return {int(row["granularity"]): row for row in rows}


@pytest.mark.parametrize("size", [48, 480])
def test_table_of_published_files(gust, published, size):
    done = gust("stats", published / str(size))
    assert done.returncode == 0
    assert done.stderr == ""
    rows = table(done.stdout)
    assert list(rows) == [1, 2, 4, 6, 12, 24, 48]
    for (n, granularity), expected in PUBLISHED.items():
        if n == size:
            assert tuple(rows[granularity][field] for field in FIELDS) == tuple(f"{value:.2f}" for value in expected)


def test_json_of_published_files(gust, published):
    done = gust("stats", published, "--json")
    assert done.returncode == 0
    entries = {(entry["burst_size"], entry["granularity"]): entry for entry in json.loads(done.stdout)}
    assert [size for size, granularity in entries if granularity == 48] == [48, 96, 480, 960]
    for (size, granularity), expected in PUBLISHED.items():
        entry = entries[size, granularity]
        assert tuple(round(entry[field], 2) for field in FIELDS) == expected
        assert entry["workers"] == entry["distinct_workers"] == size
    assert entries[480, 48]["peak_concurrent"] == 480
    assert entries[480, 1]["peak_concurrent"] < 480


def test_every_measurement_twice(gust, published):
    done = gust("stats", published / "960", "--json")
    assert done.returncode == 0
    warning = "960 rows, 480 distinct workers: every measurement stands twice"
    assert [warning in line for line in done.stderr.splitlines()] == [True] * 7
    twice = json.loads(done.stdout)
    once = json.loads(gust("stats", published / "480", "--json").stdout)
    for doubled, single in zip(twice, once, strict=True):
        assert (doubled["workers"], doubled["distinct_workers"]) == (960, 480)
        for field in (*FIELDS, "p90", "iqr"):
            assert doubled[field] == pytest.approx(single[field], abs=2e-6)
        assert doubled["peak_concurrent"] == single["peak_concurrent"]


def test_runs_of_one_file_are_rows_of_their_own(gust, tmp_path):
    file = write(
        tmp_path / "gran2.csv", "10,11,15,0,1", "10,12,15,0,1", "20,21,25,0,2", "20,23,25,0,2", header=HEADER + ",run"
    )
    done = gust("stats", file, "--json")
    assert done.stderr == ""
    assert [(entry["run"], entry["workers"], entry["max"]) for entry in json.loads(done.stdout)] == [
        (1, 2, 2),
        (2, 2, 3),
    ]
    assert gust("stats", file).stdout.splitlines()[1].split()[:3] == ["burst_size", "granularity", "run"]


def test_a_bad_file_is_refused_and_the_others_are_shown(gust, tmp_path):
    write(tmp_path / "gran2.csv", "10,11,15,0", "10,abc,15,0")
    write(tmp_path / "gran4.csv", "10,11,15,0")
    done = gust("stats", tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"gust: {tmp_path}/gran2.csv:3:2: 'abc' is not a number in column worker_start_tstamp\n"
    assert list(table(done.stdout)) == [4]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; expected comma-separated values"),
        (HEADER.encode(), "has a header but no rows; expected"),
        (b"name,value\nx,1\n", "not a result file: no column host_job_create_tstamp in 'name,value'; expected"),
        (bytes(range(256)) * 20, "not a result file"),
        (HEADER.encode() + b"\n1,2,3\n", ":2: 3 fields where the header has 4"),
        (HEADER.encode() + b'\n1,"2,3,4\n', ":2:2: this quote is never closed"),
    ],
)
def test_no_result_file(gust, tmp_path, content, message):
    file = tmp_path / "gran2.csv"
    file.write_bytes(content)
    done = gust("stats", file)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"gust: {file}")
    assert message in done.stderr


def test_nothing_there(gust, tmp_path):
    assert gust("stats", tmp_path / "absent").stderr == f"gust: no file or directory {tmp_path}/absent\n"
    done = gust("stats", tmp_path)
    assert done.returncode == 2
    assert "no gran<g>.csv or faas.csv in" in done.stderr
    done = gust("stats")
    assert done.returncode == 2


@pytest.mark.parametrize("command", [["stats"], ["plot"], ["plot", "startup"], ["plot", "simultaneity"]])
def test_help_has_an_example(gust, command):
    done = gust(*command, "--help")
    assert done.returncode == 0
    assert "Example:\n  gust " + " ".join(command) in done.stdout
