"""deploy/slurm/gust.sbatch under a real Slurm: what the command finds, how jobs end, and that nothing is left of them."""

import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess

import pytest

from cluster import is_alive, wait_for
from slurm_cluster import BATCH

NODES, CPUS = 4, 12


@pytest.fixture(scope="module")
def slurm(make_slurm):
    with make_slurm(NODES, CPUS) as slurm:
        yield slurm


@pytest.fixture(autouse=True)
def nothing_left(request):
    """After each test with Slurm: no process, no file, all nodes idle."""
    yield
    if "slurm" in request.fixturenames:
        assert_nothing_left(request.getfixturevalue("slurm"))


def assert_nothing_left(slurm):
    slurm.wait_idle(30)
    wait_for(lambda: not slurm.job_processes(), 10, "the end of all processes of the job")
    left = [path for path in slurm.scratch.iterdir() if not path.name.startswith("job-")]
    assert not left


def wait_output(slurm, job, text, seconds=60):
    """Until the job has said it."""

    def said():
        output = slurm.output_of(job)
        assert slurm.job(job)["JobState"] in ("PENDING", "CONFIGURING", "RUNNING"), output
        return text in output and output

    return wait_for(said, seconds, f"'{text}' from job {job}")


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def packs(pids):
    return [pid for pid in pids if command_of(pid)[:1] and command_of(pid)[0].endswith("gust-pack")]


def json_of(output, opening="{"):
    """The first object, or array, that the job has printed on lines of its own."""
    return json.JSONDecoder().raw_decode(output, re.search(rf"^\{opening}$", output, re.MULTILINE).start())[0]


def test_the_command_finds_the_cluster(slurm):
    """With an invoker on each node, of the size that the job has there."""
    job = slurm.submit("sh", "-c", '"$GUST_BIN" status --json')
    ended = slurm.wait_job(job)
    assert (ended["JobState"], ended["ExitCode"]) == ("COMPLETED", "0:0"), slurm.output_of(job)
    status = json_of(slurm.output_of(job))
    assert sorted(invoker["name"] for invoker in status["invokers"]) == slurm.names()
    assert {invoker["slots"] for invoker in status["invokers"]} == {CPUS}


def test_part_of_the_nodes(slurm):
    """Settings of the user's go before what Slurm says; two such jobs do not know of each other."""
    command = ("sh", "-c", '"$GUST_BIN" status --json')
    jobs = [slurm.submit(*command, nodes=2, settings={"GUST_SLOTS": "5", "GUST_MEMORY": "3GB"}) for _ in range(2)]
    names = set()
    for job in jobs:
        assert slurm.wait_job(job)["JobState"] == "COMPLETED", slurm.output_of(job)
        invokers = json_of(slurm.output_of(job))["invokers"]
        assert {(invoker["slots"], invoker["memory_bytes"]) for invoker in invokers} == {(5, 3 << 30)}
        names |= {invoker["name"] for invoker in invokers}
    assert names == set(slurm.names())


def test_the_commands_end_is_the_jobs(slurm):
    job = slurm.submit("sh", "-c", "exit 7", nodes=1)
    ended = slurm.wait_job(job)
    assert (ended["JobState"], ended["ExitCode"]) == ("FAILED", "7:0")


LOOK_AROUND = """\
import glob, os
key = os.environ["GUST_API_KEY"].encode()
shown = 0
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        shown += key in open(path, "rb").read()
    except OSError:
        pass
print(key.decode(), shown, "GUST_JOIN_TOKEN" in os.environ)
"""


def test_the_key_stands_in_no_command_line(slurm):
    """And the command, which has no use for the join token, is not given it."""
    job = slurm.submit("/usr/bin/python3", "-c", LOOK_AROUND, nodes=2)
    slurm.wait_job(job)
    key, shown, has_token = re.search(r"(slurm:\S+) (\d+) (\w+)", slurm.output_of(job)).groups()
    assert len(key) > 32
    assert (shown, has_token) == ("0", "False")


def test_cancelled_in_the_middle_of_a_flare(slurm, worker):
    """Its packs end with it."""
    script = ('set -e; "$GUST_BIN" deploy misbehave "$0" >&2; "$GUST_BIN" flare misbehave --workers 12 --granularity 3'
              ' --param \'{"do": "wait"}\'; sleep 1; "$GUST_BIN" status; exec sleep infinity')  # fmt: skip
    job = slurm.submit("sh", "-c", script, worker("misbehave"))
    wait_output(slurm, job, "1 flares active")
    before = slurm.job_processes()
    assert len(packs(before)) == 4
    slurm.run("scancel", job)
    assert slurm.wait_job(job)["JobState"] == "CANCELLED"
    wait_for(lambda: not any(map(is_alive, before)), 5, "the end of each process")


def test_an_invoker_is_killed(slurm, worker):
    """Its flare fails with the cause; the job, and the other invokers, go on."""
    script = ('set -e; "$GUST_BIN" deploy misbehave "$0" >&2; "$GUST_BIN" flare misbehave --workers 12 --granularity 3'
              ' --param \'{"do": "wait"}\' --wait || "$GUST_BIN" status')  # fmt: skip
    job = slurm.submit("sh", "-c", script, worker("misbehave"))
    last = slurm.names()[-1]

    def victim():
        return next((pid for pid in slurm.job_processes() if command_of(pid)[1:4] == ["invoker", "--name", last]), None)

    wait_for(lambda: len(packs(slurm.job_processes())) == 4, 60, "the flare's packs")
    os.kill(wait_for(victim, 20, "the last invoker"), signal.SIGKILL)
    ended = slurm.wait_job(job)
    output = slurm.output_of(job)
    assert ended["JobState"] == "COMPLETED", output
    assert f"({last}) was lost" in output
    assert f"{(NODES - 1) * CPUS} of {(NODES - 1) * CPUS} slots free" in output
    (folder,) = slurm.scratch.glob("gust-*")  # of the one that was killed; the next invoker in this place removes it
    shutil.rmtree(folder)


def test_an_invoker_that_cannot_start(slurm):
    """The job says why, and ends."""
    job = slurm.submit("true", settings={"GUST_DRIVER": "bottles"})
    ended = slurm.wait_job(job)
    assert (ended["JobState"], ended["ExitCode"]) == ("FAILED", "2:0")
    assert "bottles" in slurm.output_of(job)
    assert "gust.sbatch: the invokers have ended; their messages are above" in slurm.output_of(job)


def test_without_gust(slurm):
    job = slurm.submit("true", nodes=1, settings={"GUST_BIN": "/nowhere/gust"})
    assert slurm.wait_job(job)["ExitCode"] == "2:0"
    assert "no program /nowhere/gust here" in slurm.output_of(job)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's Slurm has other users")
def test_an_ordinary_user(slurm, worker, gust_bin):
    """Nothing of Gust needs root; with plain processes not even user namespaces."""
    nobody = pwd.getpwnam("nobody")
    try:
        subprocess.run([gust_bin, "--help"], user=nobody.pw_uid, stdout=subprocess.DEVNULL, check=True)
    except PermissionError:
        pytest.skip(f"{gust_bin} lies where others may not look")
    script = 'id -un; "$GUST_BIN" deploy task "$0" && "$GUST_BIN" flare task --workers 48 --granularity 12 --wait'
    job = slurm.submit("sh", "-c", script, worker("task"), settings={"GUST_DRIVER": "process"}, user=nobody.pw_uid,
                       group=nobody.pw_gid, extra_groups=[])  # fmt: skip
    ended = slurm.wait_job(job)
    assert ended["JobState"] == "COMPLETED", slurm.output_of(job)
    assert "nobody\n" in slurm.output_of(job)
    assert "48 workers in 4 packs" in slurm.output_of(job)


def test_960_workers(make_slurm):
    """Twenty nodes of 48 processors: all workers of one flare run at once."""
    script = '"$GUST_BIN" bench startup --endpoint "$GUST_ENDPOINT" --workers 960 --granularity 48 --sleep 5 --json'
    with make_slurm(20, 48) as large:
        job = large.submit("sh", "-c", script)
        ended = large.wait_job(job, 120)
        assert ended["JobState"] == "COMPLETED", large.output_of(job)
        (run,) = json_of(large.output_of(job), "[")
        assert_nothing_left(large)
    assert run["distinct_workers"] == 960
    assert run["peak_concurrent"] == 960


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "which command? for example: sbatch --nodes=4 gust.sbatch gust status"),
        (["true"], "this is no job of Slurm's"),
    ],
)
def test_outside_of_slurm(arguments, said):
    outside = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    done = subprocess.run(["bash", BATCH, *arguments], env=outside, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr


def test_killed(slurm, worker):
    """SIGKILL to all of a job: files may stay, and no process."""
    job = slurm.submit("sh", "-c", '"$GUST_BIN" deploy task "$0" >&2; echo ready; exec sleep infinity', worker("task"))
    wait_output(slurm, job, "ready")
    before = slurm.job_processes()
    slurm.run("scancel", "--full", "--signal=KILL", job)
    slurm.wait_job(job)
    wait_for(lambda: not any(map(is_alive, before)), 10, "the end of each process")
    for path in slurm.scratch.glob("gust-*"):
        shutil.rmtree(path)
