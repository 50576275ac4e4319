#!/usr/bin/env python3
"""Start-up of Gust's container drivers beside other ways to make a container, all in one run.

    bench/peers/containers.py [--containers 48] [--repeat 3] [--json]

Each row starts the same number of containers of one worker and gives the time until the last one has begun, its ratio to
the machine's floor (`gust bench floor --namespaces`: clone with a sandbox's namespaces, exec of gust-pack, one thread),
measured just before it, and the time for each container. Gust's rows are `gust bench startup`: from the client's call
over HTTPS to the worker's first instruction. The peers have no client, no scheduler and no worker: from the start of the
first command until every container's program, which does nothing, has ended; twice as many at once as there are
processors. Runtimes get Gust's own kind of bundle, less seccomp and limits of memory. What is not installed, or does not work here, is left out, and
said. Needs root.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUST = pathlib.Path(os.environ.get("GUST_BIN", ROOT / "build/release/bin/gust"))
AT_ONCE = 2 * (os.cpu_count() or 1)
SECOND_CGROUPS = "/sys/fs/cgroup/unified"
SYSTEM = ["/usr", "/bin", "/lib", "/lib64"]


def gust_json(*arguments):
    done = subprocess.run(
        [GUST, *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return json.loads(done.stdout)


def floor(count):
    return gust_json("bench", "floor", "--workers", count, "--granularity", 1, "--namespaces")[0]["max"]


def gust_driver(driver):
    def start(count):
        shape = ["--invokers", 2, "--slots", (count + 1) // 2, "--workers", count, "--granularity", 1]
        sleep = "5" if driver == "oci" else "0.5"  # all have to run at the same time
        runs = gust_json("bench", "startup", *shape, "--sleep", sleep, "--driver", driver)
        return runs[0]["max"]

    return start


def commands(make_command):
    """Runs `count` commands, AT_ONCE of them at a time; each must succeed."""

    def run(number):
        done = subprocess.run(
            make_command(number), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode != 0:
            raise RuntimeError((done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1])

    def start(count):
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(run, range(count)))
        return time.monotonic() - began

    return start


def bundle(folder):
    """A read-only root of the host's programs, in which /usr/bin/true runs without capabilities."""
    root = folder / "root"
    for place in ("proc", "dev", "tmp"):
        (root / place).mkdir(parents=True)
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]},
    ]
    for path in SYSTEM:
        if os.path.islink(path):
            (root / path[1:]).symlink_to(os.readlink(path))
        elif os.path.isdir(path):
            (root / path[1:]).mkdir()
            mounts.append({"destination": path, "type": "bind", "source": path, "options": ["rbind", "ro"]})
    user = {"uid": 65534, "gid": 65534}
    config = {
        "ociVersion": "1.0.2",
        "process": {"user": user, "args": ["/usr/bin/true"], "env": [], "cwd": "/tmp", "noNewPrivileges": True},
        "root": {"path": str(root), "readonly": True},
        "mounts": mounts,
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "cgroup")]},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def peers(folder):
    """By name: a function from a number of containers to seconds, or why there is none."""
    nowhere = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    found = {}
    for runtime in ("runc", "crun", "runsc"):
        path = shutil.which(runtime, path=nowhere)
        if path is None:
            found[runtime] = "not installed"
            continue
        state = folder / f"state-{runtime}"
        command = [path, "--root", str(state), "run", "--bundle", str(folder)]
        found[runtime] = commands(lambda number, command=command: [*command, f"peer-{os.getpid()}-{number}"])
    if shutil.which("bwrap"):
        shown = [word for path in SYSTEM if os.path.exists(path) for word in ("--ro-bind", path, path)]
        options = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--proc", "/proc", "--dev", "/dev"]
        found["bubblewrap"] = commands(lambda number: ["bwrap", *shown, *options, "--tmpfs", "/tmp", "/usr/bin/true"])
    else:
        found["bubblewrap"] = "not installed"
    engine = subprocess.run(["docker", "info"], capture_output=True, check=False) if shutil.which("docker") else None
    if engine is None or engine.returncode != 0:
        found["docker"] = "no engine runs here"
    else:
        archive = subprocess.run(["tar", "-C", folder / "root", "-c", "."], capture_output=True, check=True).stdout
        name = f"gust-peer-{os.getpid()}"
        subprocess.run(["docker", "import", "-", name], input=archive, capture_output=True, check=True)
        shown = [word for path in SYSTEM if os.path.isdir(path) for word in ("-v", f"{path}:{path}:ro")]
        found["docker"] = commands(lambda number: ["docker", "run", "--rm", *shown, name, "/usr/bin/true"])
    return found


def measure(count, repeat):
    with tempfile.TemporaryDirectory(prefix="gust-peers-") as name:
        rows = {f"gust, {driver}": gust_driver(driver) for driver in ("process", "sandbox")}
        rows["gust, oci with runc"] = gust_driver("oci")
        rows.update(peers(bundle(pathlib.Path(name))))
        for label, start in rows.items():
            if isinstance(start, str):
                yield {"what": label, "left_out": start}
                continue
            try:
                runs = [(floor(count), start(count)) for _ in range(repeat)]
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                yield {"what": label, "left_out": str(error)}
                continue
            yield {
                "what": label,
                "containers": count,
                "seconds": statistics.median(taken for _, taken in runs),
                "floor_seconds": statistics.median(least for least, _ in runs),
                "ratio_to_floor": statistics.median(taken / least for least, taken in runs),
            }


def hide_second_cgroups():
    """crun refuses to work where version 2 of cgroups is mounted beside version 1: then all of this runs without it."""
    if os.path.ismount(SECOND_CGROUPS):
        script = f'umount -l {SECOND_CGROUPS} && exec "$@"'
        os.execvp("unshare", ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, *sys.argv])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--containers", type=int, default=48)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("containers: needs root")
    hide_second_cgroups()
    rows = []
    if not wanted.json:
        print(f"{wanted.containers} containers of one worker, medians of {wanted.repeat}")
        print(f"{'':22} {'all, ms':>9} {'each, ms':>9} {'floor, ms':>10} {'ratio':>7}")
    for row in measure(wanted.containers, wanted.repeat):
        rows.append(row)
        if wanted.json:
            continue
        if "left_out" in row:
            print(f"{row['what']:22} left out: {row['left_out']}", flush=True)
            continue
        taken, least = row["seconds"] * 1e3, row["floor_seconds"] * 1e3
        print(
            f"{row['what']:22} {taken:9.1f} {taken / row['containers']:9.2f} {least:10.1f} {row['ratio_to_floor']:7.2f}",
            flush=True,
        )
    if wanted.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
