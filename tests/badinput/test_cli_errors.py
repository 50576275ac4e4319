"""Wrong commands: exit code, a sentence that helps, and nothing left reserved or running."""

import os
import subprocess

import pytest

GUST_H = """#include <gust/gust.h>
static int work(gust_burst* burst, const char* params, size_t size) { (void)burst, (void)params, (void)size; return 0; }
"""


pytestmark = pytest.mark.usefixtures("nothing_left")


def refused(done, code, fragment):
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert fragment in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "fragment"),
    [
        (["nobody", "--workers", 3], 5, "there is no action nobody"),
        (["task"], 2, "one of --workers and --params is required"),
        (["task", "--workers", 0], 2, "--workers: 0 is not a whole number from 1 on"),
        (["task", "--workers", -1], 2, "--workers: -1 is not"),
        (["task", "--workers", 99999999999], 2, "--workers: 99999999999 is not"),
        (["task", "--workers", 4000000000], 2, "the parameters of 4000000000 workers"),
        (["task", "--workers", 3, "--granularity", 0], 2, "--granularity: 0 is not a whole number from 1 on"),
        (["task", "--workers", 3, "--granularity", -2], 2, "--granularity: -2 is not"),
        (["task", "--workers", 3, "--granularity", 9], 6, "granularity 9 is larger than any invoker"),
        (["task", "--workers", 17], 6, "burst of 17 workers needs 17 slots"),
        (["task", "--workers", 3, "--join"], 2, "add granularity="),
        (["task", "--workers", 3, "--param", "{bad"], 2, "--param is not JSON: wrong at byte 2"),
        (["task", "--workers", 3, "--params", "-"], 2, "--workers excludes --params"),
        (["task", "--params", "/nowhere.json"], 2, "cannot read /nowhere.json"),
        (["task", "--params", "/tmp"], 2, "cannot read /tmp"),
        (["task", "--workers", 1, "--bogus"], 2, "--bogus"),
        (["huge", "--workers", 1], 6, "pack memory 5 GB is larger than any invoker: the largest has 4 GB"),
    ],
)
@pytest.mark.parametrize("wait", [[], ["--wait"]])
def test_flare(cluster, arguments, code, fragment, wait):
    refused(cluster.gust("flare", *arguments, *wait), code, fragment)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("[]", "standard input must hold a JSON array with one entry for each worker"),
        ('{"value": [1]}', "must hold a JSON array"),
        ("[1,", "standard input is not JSON: wrong at byte 4"),
        ("", "standard input is not JSON"),
    ],
)
def test_params(cluster, text, fragment):
    refused(cluster.gust("flare", "task", "--params", "-", input=text), 2, fragment)


def compile_c(source, folder):
    """A shared object of a few lines of C."""
    (folder / "odd.c").write_text(source)
    include = os.path.join(os.path.dirname(__file__), "../../include")
    subprocess.run(["cc", "-shared", "-fPIC", f"-I{include}", folder / "odd.c", "-o", folder / "odd.so"], check=True)
    return folder / "odd.so"


@pytest.mark.parametrize(
    ("source", "fragment"),
    [
        ("int answer(void) { return 42; }", "does not export `gust_worker`; end its source with GUST_WORKER(work)"),
        (GUST_H + "GUST_EXPORT const gust_worker_object gust_worker = {7, sizeof(gust_worker_object), work};",
         "the object was built for version 7 of Gust's ABI, and this Gust runs version 1"),
        ('__attribute__((visibility("default"))) int gust_worker(void) { return 1; }', "gust_worker"),
        ('__attribute__((visibility("default"))) const char gust_worker[2] = {1};', "gust_worker"),
    ],
)  # fmt: skip
def test_deploy_of_a_foreign_object(cluster, tmp_path, source, fragment):
    refused(cluster.gust("deploy", "odd", compile_c(source, tmp_path)), 2, fragment)
    assert cluster.gust("flare", "odd", "--workers", 1).returncode == 5  # nothing was stored


@pytest.mark.parametrize("size", [0, 3, 64, 4096, 100_000])
def test_deploy_of_a_truncated_object(cluster, worker, tmp_path, size):
    path = tmp_path / "short.so"
    path.write_bytes(worker("task").read_bytes()[:size])
    done = cluster.gust("deploy", "short", path)
    assert done.returncode == 2
    assert "exec.code" in done.stderr
    assert cluster.gust("flare", "short", "--workers", 1).returncode == 5


def test_deploy_of_a_corrupted_object(cluster, worker, tmp_path):
    """Refused, or its load fails and the flare says so; never more than that."""
    whole = bytearray(worker("task").read_bytes())
    for i in range(4096, len(whole), 7):
        whole[i] ^= 0x5A
    path = tmp_path / "noise.so"
    path.write_bytes(whole)
    if cluster.gust("deploy", "noise", path).returncode == 0:
        done = cluster.gust("flare", "noise", "--workers", 2, "--wait")
        assert done.returncode == 1
        assert "failed" in done.stderr
        cluster.wait_idle()


@pytest.mark.parametrize(
    ("arguments", "code", "fragment"),
    [
        (["/nowhere.so"], 2, "cannot read /nowhere.so"),
        (["/tmp", "--kind", "cpp:1"], 2, "cannot read /tmp"),
        (["/tmp"], 2, "the name of /tmp does not tell what it is; .so is"),
        (
            [__file__, "--kind", "cpp:1"],
            2,
            "the file is not a shared object; make one from your source with `gust build",
        ),
        (["hello.cc"], 2, "hello.cc is source; compile it first: gust build hello.cc"),
        (["TASK", "--memory", "lots"], 2, "--memory: 'lots' is not a size; write for example 512MB"),
        (["TASK", "--memory", "1MB"], 2, "limits.memory is 1; it must be a whole number of 16 to"),
        (["TASK", "--timeout", "never"], 2, "--timeout: 'never' is not a duration"),
        (["TASK", "--timeout", "1ms"], 2, "limits.timeout is 1; it must be"),
        (["TASK", "--kind", "cobol:1"], 2, 'kind "cobol:1" does not exist here; the kinds are: cpp:1, python:3'),
    ],
)
def test_deploy(cluster, worker, arguments, code, fragment):
    arguments = [worker("task") if entry == "TASK" else entry for entry in arguments]
    refused(cluster.gust("deploy", "odd", *arguments), code, fragment)


@pytest.mark.parametrize(
    ("arguments", "code", "fragment"),
    [
        (["status", "--api-key", "some:body"], 4, "set GUST_API_KEY or --api-key"),
        (["status", "--endpoint", "https://127.0.0.1:1"], 3, "cannot reach https://127.0.0.1:1: connection refused"),
        (["status", "--endpoint", "ftp://x"], 2, "endpoint 'ftp://x' is not a URL"),
        (["status", "--ca-file", "/nowhere.pem"], 2, "/nowhere.pem"),
        (["status", "--bogus"], 2, "--bogus"),
        (["activation", "get", "zz"], 2, "is not an activation id"),
        (["activation", "result", "0" * 32], 5, "does not exist, or has not ended yet"),
        (["activation", "list", "--limit", "201"], 2, "limit=201 is not a whole number of 0 to 200"),
        (["activation"], 2, "subcommand"),
        (["bogus"], 2, "there is no command 'bogus'"),
        ([], 2, "subcommand"),
        (
            ["bench", "startup", "--granularity", "2,x"],
            2,
            "granularity 'x' is neither a positive whole number nor faas",
        ),
        (["bench", "startup", "--workers", "0"], 2, "--workers: 0 is not"),
        (["bench", "startup", "--sleep", "-1"], 2, "--sleep"),
        (["bench", "floor", "--granularity", "0"], 2, "granularity '0' is neither"),
        (["build", "/nowhere.cc"], 2, "there is no source file /nowhere.cc"),
    ],
)
def test_other_commands(cluster, arguments, code, fragment):
    refused(cluster.gust(*arguments), code, fragment)


def test_a_source_that_does_not_compile(cluster, tmp_path):
    (tmp_path / "wrong.c").write_text("int main( {")
    done = cluster.gust("build", tmp_path / "wrong.c", cwd=tmp_path)
    assert done.returncode == 2
    assert "wrong.c:1:" in done.stderr and "could not compile it" in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["wrong.c"]


def test_a_bench_that_never_fits(cluster):
    done = cluster.gust("bench", "startup", "--workers", 24, "--granularity", 8, "--endpoint", cluster.endpoint)
    assert done.returncode == 6, done.stderr
    assert "burst of 24 workers needs 24 slots" in done.stderr
