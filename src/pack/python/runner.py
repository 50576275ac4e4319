"""Runs the Python workers of a pack: imports the code once, then forks one process for each worker.

gust-pack starts it with nothing but the standard library of whatever python3 the container has (3.9 or newer), and hands
it two descriptors: REPORTS, a socket that keeps packets whole, and JOB, a file in memory with what is to be done. The
first packet from gust-pack is the number of the job's bytes, in decimal; the workers' parameters follow the job in the
file. With the argument `ahead` it is started before its pack is claimed: then the packet has a second number, of the
bytes of the pack's environment, which ends the file, and brings standard output and error.

All other packets go to gust-pack (src/pack/forked_workers.cc reads them); the first byte of each is its kind:

  L  loaded      stamp, peak memory
  F  failed      a sentence; the code could not be loaded, or a worker not be forked
  S  started     worker, stamp
  R  result      worker, part of its result
  E  ended       worker, ok, stamps of entering and of leaving user code and of now, peak memory, last part of its result
  X  gone        worker, wait status; from the interpreter, after its process has ended

Integers are little-endian, workers have 4 bytes, `ok` one, the others 8. Stamps are microseconds of the wall clock.
"""

import faulthandler
import gc
import io
import json
import os
import resource
import signal
import sys
import time

REPORTS = 3
JOB = 4

OLDEST = (3, 9)
MAX_RESULT_BYTES = 16 << 20
MAX_ERROR_BYTES = 64 << 10
PART_BYTES = 48 << 10  # of a result in one packet
MODULE = "main__"  # as in OpenWhisk: not "__main__", or `if __name__ == "__main__":` would run

# Of a zip archive. What is unpacked lies in the container's memory.
MAX_UNPACKED_BYTES = 512 << 20
MAX_FILES = 20_000
MAX_RATIO = 100  # above RATIO_MATTERS bytes
RATIO_MATTERS = 10 << 20


class LoadError(Exception):
    """A sentence for the person who deployed the code."""


class ResultError(Exception):
    """A result that cannot be taken: a sentence for the person who wrote the function."""


def now():
    return time.time_ns() // 1000


def peak_memory_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def integer(value, size=8):
    return value.to_bytes(size, "little")


class Job:
    """What gust-pack wants done: lines of a name and a value; lists are numbers with spaces between them."""

    def __init__(self, text):
        entries = dict(line.split(" ", 1) for line in text.splitlines())
        self.code = entries["code"]
        self.main = entries["main"]
        self.single = entries["single"] == "1"
        self.burst_id = entries["burst_id"]
        self.burst_size = int(entries["burst_size"])
        self.pack_id = int(entries["pack_id"])
        self.invoker_id = int(entries["invoker_id"])
        self.first_worker = int(entries["first_worker"])
        self.pack_first_worker = [int(word) for word in entries["pack_first_worker"].split()]
        self.params_end = [int(word) for word in entries["params_end"].split()]

    @property
    def workers(self):
        return range(self.first_worker, self.first_worker + len(self.params_end))


class Burst:
    """A worker's place in its burst: the second argument of work(params, burst)."""

    def __init__(self, job, worker_id):
        self.burst_id = job.burst_id
        self.worker_id = worker_id
        self.burst_size = job.burst_size
        self.pack_id = job.pack_id
        self.pack_size = len(job.params_end)
        self.pack_count = len(job.pack_first_worker)
        self.invoker_id = job.invoker_id
        self._pack_first_worker = job.pack_first_worker

    @property
    def is_leader(self):
        """Whether this is the worker with the lowest id of its pack."""
        return self.worker_id == self._pack_first_worker[self.pack_id]

    def pack_of(self, worker_id):
        """The pack that a worker belongs to. ValueError when there is no such worker."""
        from bisect import bisect_right

        if not 0 <= worker_id < self.burst_size:
            raise ValueError(f"there is no worker {worker_id}: this burst has the workers 0 to {self.burst_size - 1}")
        return bisect_right(self._pack_first_worker, worker_id) - 1

    def __repr__(self):
        return f"<worker {self.worker_id} of {self.burst_size}, pack {self.pack_id} of {self.pack_count}>"


def check_entry(entry):
    """Refuses an archive's entry that would be written anywhere but into the folder, or be anything but a file."""
    name = entry.filename
    if name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/"):
        raise LoadError(
            f"the zip archive has an entry {name[:200]!r}, which leads out of it; make it with relative paths"
        )
    kind = entry.external_attr >> 16 & 0o170000
    if kind not in (0, 0o100000, 0o040000):
        raise LoadError(
            f"the zip archive has an entry {name[:200]!r} that is a link or a device; put the file itself in"
        )
    if entry.flag_bits & 1:
        raise LoadError(f"the zip archive has an entry {name[:200]!r} that is encrypted; make it without a password")


def unpack(path, folder):
    """Unpacks a zip archive into `folder`, within limits: what its directory says is never exceeded, zipfile sees to it."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            for entry in entries:
                check_entry(entry)
            packed = sum(entry.compress_size for entry in entries)
            unpacked = sum(entry.file_size for entry in entries)
            if len(entries) > MAX_FILES:
                raise LoadError(f"the zip archive has {len(entries)} entries; the limit is {MAX_FILES}")
            if unpacked > MAX_UNPACKED_BYTES:
                raise LoadError(
                    f"the zip archive unpacks to {unpacked >> 20} MB; the limit is {MAX_UNPACKED_BYTES >> 20} MB: "
                    "load what is large at run time"
                )
            if unpacked > RATIO_MATTERS and unpacked > MAX_RATIO * packed:
                raise LoadError(
                    f"the zip archive unpacks to more than {MAX_RATIO} times its size; it looks like a bomb"
                )
            if not any(entry.filename == "__main__.py" for entry in entries):
                raise LoadError("the zip archive has no __main__.py at its top level; put the file with main() there")
            for entry in entries:
                written = archive.extract(entry, folder)
                if entry.external_attr >> 16 & 0o111 and not entry.is_dir():
                    os.chmod(written, 0o755)
    except LoadError:
        raise
    except OSError as error:
        raise LoadError(f"the zip archive could not be unpacked: {error}") from error
    except Exception as error:  # zipfile raises whatever its parts do: BadZipFile, zlib.error, EOFError, ...
        raise LoadError(f"the zip archive is damaged: {type(error).__name__}: {error}") from error


def place_code(path):
    """Puts the code into a folder of its own, which becomes the current one; gives the file to run."""
    folder = os.path.join(os.getcwd(), "action")
    try:
        os.mkdir(folder)
        with open(path, "rb") as code:
            is_archive = code.read(4) == b"PK\x03\x04"
        if is_archive:
            unpack(path, folder)
            file = os.path.join(folder, "__main__.py")
        else:
            file = os.path.join(folder, MODULE + ".py")
            os.symlink(path, file)
        os.chdir(folder)
    except OSError as error:
        raise LoadError(f"the code could not be put in place: {error}") from error
    sys.path.insert(0, folder)
    if is_archive and os.path.isdir("virtualenv"):  # as in OpenWhisk
        import glob
        import site

        for packages in glob.glob(os.path.join(folder, "virtualenv/lib/python3*/site-packages")):
            site.addsitedir(packages)
    return file


def print_exception(error, frames_of_ours):
    """The traceback on standard error, without this file's frames at its beginning."""
    trace = error.__traceback__
    for _ in range(frames_of_ours):
        if trace is not None:
            trace = trace.tb_next
    sys.__excepthook__(type(error), error.with_traceback(trace), trace)
    sys.stderr.flush()


def describe(error):
    """`Type: message`; whatever the exception's own methods do."""
    try:
        text = str(error)
    except Exception:
        text = "(no text: its __str__ failed)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def import_code(file):
    """Runs the file as a module."""
    with open(file, "rb") as source:
        text = source.read()
    module = type(sys)(MODULE)
    module.__file__ = file
    sys.modules[MODULE] = module
    try:
        exec(compile(text, file, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as error:
        raise LoadError(f"the code called sys.exit({error.code!r}) while it was imported") from error
    except BaseException as error:
        # The frames of ours are this one only when the code could be compiled.
        print_exception(error, 1)
        raise LoadError(f"the code could not be imported: {describe(error)}") from error
    return module


def import_ahead(job, job_bytes):
    """What workers would all import first, imported once. Lithops takes the module of its storage by a name in its payload."""
    if "lithops.storage" not in sys.modules:
        return
    import importlib

    try:
        storage = read_params(job, job_bytes, 0)["config"]["lithops"]["storage"]
        importlib.import_module("lithops.storage.backends." + storage)
    except Exception:  # the worker will meet it where its author expects it
        pass


def choose_function(module, job):
    """What each worker calls with its parameters and its Burst."""
    name = job.main or "main"
    main = getattr(module, name, None)
    work = getattr(module, "work", None)
    if job.main and not callable(main):
        raise LoadError(f"the code defines no function {name}(args), which exec.main names")
    if callable(work) and not (job.single and callable(main)):
        return "work", work
    if callable(main):
        return name, lambda params, burst: main(params)
    raise LoadError("the code defines neither main(args) nor work(params, burst); one of them is what workers run")


def warn_of_threads():
    try:
        threads = len(os.listdir("/proc/self/task")) - 1
    except OSError:
        return
    if threads > 0:
        print(
            f"gust: the code has {threads} threads running after its import; workers are forked from it and have none of "
            "them, so start threads in main() or work()",
            file=sys.stderr,
        )


def encode_result(result, name, single):
    """The result as JSON in UTF-8. ResultError when it cannot be one."""
    if single and not isinstance(result, (dict, list, tuple)):
        raise ResultError(
            f"{name}() returned {type(result).__name__}; an invocation's result must be a dict or a list "
            "(a burst's may be any JSON value)"
        )
    try:
        text = json.dumps(result, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise ResultError(f"{name}() returned what JSON cannot hold: {describe(error)}") from error
    if len(text) > MAX_RESULT_BYTES:
        raise ResultError(
            f"the worker's result of {len(text)} bytes exceeds the limit of {MAX_RESULT_BYTES >> 20} MB; write it to "
            "storage and return where it is"
        )
    return text


def exit_like_python(error):
    """sys.exit() in a worker ends its process with the code that it would have anywhere."""
    code = error.code
    if code is None:
        code = 0
    elif not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    flush_output()
    os._exit(code & 0xFF)


def flush_output():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # user code may have closed or replaced it
            pass


def report_end(worker, ok, entered, left, text):
    """Parts go first, each a packet of its own; the packets of other workers may come between them."""
    view = memoryview(text)
    head = integer(worker, 4)
    while len(view) > PART_BYTES:
        os.writev(REPORTS, [b"R" + head, view[:PART_BYTES]])
        view = view[PART_BYTES:]
    flags = integer(int(ok), 1)
    stamps = integer(entered) + integer(left) + integer(now()) + integer(peak_memory_bytes())
    os.writev(REPORTS, [b"E" + head + flags + stamps, view])


def read_params(job, job_bytes, index):
    begin = job.params_end[index - 1] if index > 0 else 0
    text = os.pread(JOB, job.params_end[index] - begin, job_bytes + begin)
    return json.loads(text) if text else None


def run_worker(job, job_bytes, worker, started, name, function):
    """The whole life of a worker, in its own process. Never returns."""
    os.write(REPORTS, b"S" + integer(worker, 4) + integer(started))
    if job.burst_size > 1:
        Output.mark = b"[worker %d] " % worker
    ok, left = False, 0
    params = read_params(job, job_bytes, worker - job.first_worker)
    burst = Burst(job, worker)
    entered = now()
    try:
        result = function(params, burst)
        left = now()
        text = encode_result(result, name, job.single)
        ok = True
    except SystemExit as error:
        exit_like_python(error)
    except ResultError as error:
        print(f"gust: {error}", file=sys.stderr)
        text = str(error).encode(errors="replace")
    except BaseException as error:
        left = now()
        # Ours are run_worker and, around main, the lambda.
        print_exception(error, 1 if name == "work" else 2)
        text = describe(error).encode(errors="replace")[:MAX_ERROR_BYTES]
    flush_output()
    report_end(worker, ok, entered, left, text)
    os._exit(0)


def fork_workers(job, job_bytes, name, function):
    """Gives the workers' ids by process id."""
    workers = {}
    for worker in job.workers:
        try:
            pid = os.fork()
        except OSError as error:
            raise LoadError(
                f"worker {worker} could not be forked: {error.strerror}; raise limits.memory or use a smaller granularity"
            ) from error
        if pid == 0:
            started = now()
            try:
                run_worker(job, job_bytes, worker, started, name, function)
            finally:
                os._exit(1)  # gust-pack is gone, or memory for the report is
        workers[pid] = worker
    return workers


def await_workers(workers):
    while workers:
        pid, status = os.wait()
        worker = workers.pop(pid, None)
        if worker is not None:  # otherwise a process that the code started while it was imported
            os.write(REPORTS, b"X" + integer(worker, 4) + integer(status))


class Output(io.RawIOBase):
    """A descriptor, with a mark in front of each line that says whose it is."""

    mark = b""  # of this process; nothing while the code is imported

    def __init__(self, descriptor):
        super().__init__()
        self._descriptor = descriptor
        self._in_line = False

    def writable(self):
        return True

    def fileno(self):
        return self._descriptor

    def write(self, data):
        text = bytes(data)
        lines = text.split(b"\n")
        if self.mark and text:
            # What follows the last line's end is empty, or a line that has only begun.
            last = lines.pop()
            lines = [self.mark + line for line in lines] + [self.mark + last if last else b""]
            if self._in_line:
                lines[0] = lines[0][len(self.mark) :]
            self._in_line = not text.endswith(b"\n")
        view = memoryview(b"\n".join(lines))
        while view:
            view = view[os.write(self._descriptor, view) :]
        return len(text)


def text_output(descriptor):
    """Lines reach the log when they are printed, each in one write, so that those of workers do not mix."""
    return io.TextIOWrapper(
        io.BufferedWriter(Output(descriptor)), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )


def receive_job():
    """Waits for it; gives the number of its bytes, 0 when gust-pack is gone."""
    if sys.argv[1:] != ["ahead"]:
        return int(os.read(REPORTS, 64) or 0)
    import _socket

    reports = _socket.socket(fileno=REPORTS)
    text, descriptors, _, _ = reports.recvmsg(64, _socket.CMSG_SPACE(2 * 4))
    reports.detach()
    if not text:
        return 0
    del sys.argv[1:]
    job_bytes, environment_bytes = map(int, text.split())
    passed = descriptors[0][2]
    for place, begin in ((1, 0), (2, 4)):
        descriptor = int.from_bytes(passed[begin : begin + 4], sys.byteorder)
        os.dup2(descriptor, place)
        os.close(descriptor)
    environment = os.pread(JOB, environment_bytes, os.fstat(JOB).st_size - environment_bytes)
    os.environb.clear()
    os.environb.update(entry.split(b"=", 1) for entry in environment.split(b"\0")[:-1])
    return job_bytes


def prepare_output():
    sys.stdout = sys.__stdout__ = text_output(1)
    sys.stderr = sys.__stderr__ = text_output(2)
    faulthandler.enable(2)  # the Python stack of a crash


def main():
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        raise LoadError(f"the container's python3 is Python {found}; Gust needs {OLDEST[0]}.{OLDEST[1]} or newer")
    for descriptor in (REPORTS, JOB):
        os.set_inheritable(descriptor, False)
    prepare_output()
    job_bytes = receive_job()
    if job_bytes == 0:
        return
    job = Job(os.pread(JOB, job_bytes, 0).decode())
    name, function = choose_function(import_code(place_code(job.code)), job)
    import_ahead(job, job_bytes)
    warn_of_threads()
    flush_output()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # for await_workers, whatever the code has set
    # What was imported is never collected: a collection in a worker would copy all of its pages.
    gc.freeze()
    os.write(REPORTS, b"L" + integer(now()) + integer(peak_memory_bytes()))
    await_workers(fork_workers(job, job_bytes, name, function))


def run():
    try:
        main()
    except LoadError as error:
        flush_output()
        os.write(REPORTS, b"F" + str(error).encode(errors="replace")[:MAX_ERROR_BYTES])
        os._exit(1)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(1)  # gust-pack is gone
    # Without the handlers and threads of user code: its workers have ended.
    os._exit(0)


if __name__ == "__main__":
    run()
