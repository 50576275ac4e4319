"""The runner by itself, as gust-pack drives it: what it says on its socket, and what it makes of archives."""

import dataclasses
import fcntl
import importlib.util
import io
import json
import os
import pathlib
import signal
import socket
import struct
import sys
import zipfile

import pytest

RUNNER = pathlib.Path(__file__).resolve().parents[2] / "src/pack/python/runner.py"
BOOT = "import os;exec(compile(os.read(5,1<<20),'gust-runner','exec'))"


@pytest.fixture(scope="module")
def runner():
    """The runner as a module, for what needs no process."""
    spec = importlib.util.spec_from_file_location("runner", RUNNER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclasses.dataclass
class Story:
    """What an interpreter and its workers have said."""

    loaded: int = 0
    failed: str = ""
    started: dict = dataclasses.field(default_factory=dict)
    results: dict = dataclasses.field(default_factory=dict)
    errors: dict = dataclasses.field(default_factory=dict)
    gone: dict = dataclasses.field(default_factory=dict)
    parts: int = 0


def above(descriptor):
    """A copy that does not stand where the child's descriptors will."""
    copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 100)
    os.close(descriptor)
    return copy


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs source text with these params in a real interpreter; gives its Story."""
    monkeypatch.chdir(tmp_path)

    def run(code, params, main="", single=False):
        path = tmp_path / "code"
        path.write_bytes(code if isinstance(code, bytes) else code.encode())
        ends, position = [], 0
        for text in params:
            position += len(text.encode())
            ends.append(str(position))
        lines = (
            f"code {path}\nmain {main}\nsingle {int(single)}\nburst_id b\nburst_size {len(params)}\npack_id 0\n"
            f"invoker_id 0\nfirst_worker 0\npack_first_worker 0\nparams_end {' '.join(ends)}\n"
        )
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(60)
        job, source = above(os.memfd_create("job")), above(os.memfd_create("source"))
        os.pwrite(job, (lines + "".join(params)).encode(), 0)
        os.pwrite(source, RUNNER.read_bytes(), 0)
        reports = above(theirs.detach())
        places = [(os.POSIX_SPAWN_DUP2, reports, 3), (os.POSIX_SPAWN_DUP2, job, 4), (os.POSIX_SPAWN_DUP2, source, 5)]
        process = os.posix_spawn(sys.executable, ["python3", "-IB", "-c", BOOT], os.environ, file_actions=places)
        for descriptor in (reports, job, source):
            os.close(descriptor)
        ours.send(str(len(lines.encode())).encode())
        story = listen(ours)
        os.waitpid(process, 0)
        return story

    return run


def listen(ours):
    story = Story()
    parts = {}
    while packet := ours.recv(1 << 20):
        kind, rest = packet[:1], packet[1:]
        if kind == b"L":
            story.loaded, _ = struct.unpack("<qq", rest)
        elif kind == b"F":
            story.failed = rest.decode()
        else:
            (worker,) = struct.unpack_from("<I", rest)
            rest = rest[4:]
            if kind == b"S":
                story.started[worker] = struct.unpack("<q", rest)[0]
            elif kind == b"R":
                story.parts += 1
                parts[worker] = parts.get(worker, b"") + rest
            elif kind == b"E":
                ok, entered, left, ended, peak = struct.unpack_from("<Bqqqq", rest)
                assert story.loaded <= story.started[worker] <= entered <= left <= ended
                assert peak > 1 << 20
                text = (parts.pop(worker, b"") + rest[33:]).decode()
                (story.results if ok else story.errors)[worker] = text
            else:
                assert kind == b"X"
                story.gone[worker] = struct.unpack("<q", rest)[0]
    return story


def test_each_worker_reports_its_start_its_end_and_its_exit(run):
    story = run("def work(params, burst): return [burst.worker_id, params]", ['"a"', "[2]", "", "null"])
    assert story.results == {0: '[0,"a"]', 1: "[1,[2]]", 2: "[2,null]", 3: "[3,null]"}
    assert story.gone == dict.fromkeys(range(4), 0)
    assert story.errors == {}


def test_large_results_come_in_parts(run):
    story = run("def work(params, burst): return 'é' * params", ["100000", "10"])
    assert story.results == {0: f'"{"é" * 100000}"', 1: f'"{"é" * 10}"'}
    assert story.parts == 4  # 48 KiB each, the rest with the end


def test_errors_and_deaths(run, capfd):
    story = run(
        "import os\n"
        "class Silent(Exception):\n"
        "    def __str__(self): raise ValueError\n"
        "def work(params, burst):\n"
        "    if params == 0: raise ValueError('no')\n"
        "    if params == 1: raise Silent\n"
        "    if params == 2: os.abort()\n"
        "    if params == 3: raise SystemExit(9)\n"
        "    if params == 4: raise AssertionError\n",
        ["0", "1", "2", "3", "4"],
    )
    assert story.errors == {0: "ValueError: no", 1: "Silent: (no text: its __str__ failed)", 4: "AssertionError"}
    assert [os.WTERMSIG(story.gone[2]), os.WEXITSTATUS(story.gone[3])] == [signal.SIGABRT, 9]
    log = capfd.readouterr().err
    assert "raise ValueError('no')" in log
    assert "Fatal Python error: Aborted" in log


PRINTS = """
print("import")

def work(params, burst):
    print("a")
    print("b", end="")
    print("c\\n\\nd", end="")
"""


def test_lines_say_whose_they_are_where_there_are_several_workers(run, capfd):
    run(PRINTS, ["1", "1"])
    lines = capfd.readouterr().out.replace("d[", "d\n[").splitlines()
    assert sorted(lines) == ["[worker %d] %s" % (i, text) for i in (0, 1) for text in ("", "a", "bc", "d")] + ["import"]


def test_lines_of_a_single_worker_are_as_they_are(run, capfd):
    run(PRINTS, ["1"])
    assert capfd.readouterr().out == "import\na\nbc\n\nd"


def test_tracebacks_show_the_users_frames_only(run, capfd):
    run("def inner(): raise ValueError\ndef main(args): inner()", ["1"])
    log = capfd.readouterr().err
    assert [line.split()[-1] for line in log.splitlines() if line.startswith("  File")] == ["main", "inner"]


def test_the_current_folder_is_the_codes(run):
    story = run(
        "import os, main__\ndef work(params, burst): return [os.getcwd(), os.listdir(), main__.__name__]", ["1"]
    )
    assert story.results[0].endswith('/action",["main__.py"],"main__"]'), story


def test_programs_main_guard_does_not_run(run):
    story = run("def main(args): return {}\nif __name__ == '__main__': raise ValueError", ["{}"], single=True)
    assert story.results == {0: "{}"}


def pack(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return buffer.getvalue()


def entry(name, mode):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def test_an_archive_is_unpacked_and_keeps_its_programs(run):
    code = pack(
        {
            "__main__.py": "import subprocess\ndef main(args): return subprocess.check_output(['./tool'], text=True)",
            entry("tool", 0o100755): "#!/bin/sh\necho it runs\n",
        }
    )
    assert run(code, ["{}"]).results == {0: '"it runs\\n"'}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"main.py": ""}, "has no __main__.py"),
        ({"__main__.py": "", "a/../../b": ""}, "'a/../../b', which leads out of it"),
        ({"__main__.py": "", "/b": ""}, "'/b', which leads out of it"),
        ({"__main__.py": "", entry("b", 0o120777): "/etc"}, "'b' that is a link or a device"),
        ({"__main__.py": "", "zeroes": bytes(20 << 20)}, "it looks like a bomb"),
    ],
)
def test_archives_that_are_refused(run, tmp_path, files, sentence):
    story = run(pack(files), ["{}"])
    assert sentence in story.failed
    assert not story.started
    assert list((tmp_path / "action").iterdir()) == []


def test_an_archive_that_lies_about_its_sizes_is_damaged(run):
    code = bytearray(pack({"__main__.py": "x = 1\n" * 1000}))
    directory = code.rindex(b"PK\x01\x02")
    struct.pack_into("<I", code, directory + 24, 10)
    assert "the zip archive is damaged: BadZipFile" in run(bytes(code), ["{}"]).failed


def test_limits_of_archives(runner, tmp_path, monkeypatch):
    path = tmp_path / "code.zip"
    path.write_bytes(pack({"__main__.py": "", "b": "12345678", "c": ""}))
    for limit, value, sentence in (
        ("MAX_FILES", 2, "3 entries; the limit is 2"),
        ("MAX_UNPACKED_BYTES", 7, "unpacks to"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(runner, limit, value)
            with pytest.raises(runner.LoadError, match=sentence):
                runner.unpack(path, tmp_path / "out")
    runner.unpack(path, tmp_path / "out")
    assert (tmp_path / "out/b").read_text() == "12345678"


LITHOPS = {
    "__main__.py": (
        "import importlib, os, lithops.storage\n"
        "def main(args):\n"
        "    try:\n"
        "        storage = importlib.import_module('lithops.storage.backends.' + args['config']['lithops']['storage'])\n"
        "        return [storage.imported_by, os.getpid()]\n"
        "    except Exception as error:\n"
        "        return str(error)\n"
    ),
    "lithops/storage/backends/there.py": "import os\nimported_by = os.getpid()\n",
}


def test_the_storage_of_lithops_is_imported_once_before_the_fork(run):
    story = run(pack(LITHOPS), ['{"config": {"lithops": {"storage": "there"}}}'] * 3)
    importers, workers = zip(*map(json.loads, story.results.values()))
    assert len(set(importers)) == 1 and len(set(workers)) == 3 and not set(importers) & set(workers)


@pytest.mark.parametrize("params", ['{"config": {"lithops": {"storage": "missing"}}}', '{"config": null}', "3", ""])
def test_what_lithops_cannot_import_is_its_workers_affair(run, params):
    story = run(pack(LITHOPS), [params] * 2)
    assert len(story.results) == 2 and not story.failed
