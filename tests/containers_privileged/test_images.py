"""The images: what is in them, and that a cluster of the two runs flares."""

import json
import os
import re
import signal
import subprocess

import pytest

from cluster import Cluster, wait_for

KEY, TOKEN = "test:0123456789abcdef", "0123456789abcdef"
# What Kubernetes gives a container: /proc, /sys and /dev, folders in memory, and for the controller nothing else to write.
POD = """
root=$1 access=$2; shift 2
mount --bind "$root" "$root"
mount --bind -o remount,$access "$root"
for folder in proc sys dev; do mount --rbind /$folder "$root/$folder"; done
for folder in run tmp; do mount -t tmpfs none "$root/$folder"; done
cd "$root"
exec "$@"
"""


def start(root, access, command, environment, log, chroot=()):
    return subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", POD, "pod", root, access, "chroot", *chroot, root, *command],
        env={"PATH": os.environ["PATH"], **environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # fmt: skip


def configuration(images, name):
    return json.loads(images("inspect", "--type", "image", f"localhost/gust-{name}"))["OCIv1"]["config"]


def test_the_controller_is_nobody(images):
    controller = configuration(images, "controller")
    assert controller["User"] == "65532:65532"
    assert controller["Entrypoint"] == ["/usr/local/bin/gust", "controller"]
    assert {"3233", "3234"} == {port.removesuffix("/tcp") for port in controller["ExposedPorts"]}
    assert configuration(images, "invoker")["Entrypoint"] == ["/usr/local/bin/gust", "invoker"]


def test_the_controllers_image_is_small(images):
    """Programs and libraries, on top of Debian."""
    assert images.size("gust-controller:latest") - images.size("debian:12") < 110


@pytest.mark.parametrize("name", ["controller", "invoker"])
def test_no_library_is_missing(roots, name):
    programs = sorted(os.listdir(f"{roots[name]}/usr/local/bin"))
    assert {"gust", "gust-pack", "gust-launcher", "gust-transport-s3.so"} <= set(programs)
    for program in programs:
        said = subprocess.run(["chroot", roots[name], "ldd", f"/usr/local/bin/{program}"], capture_output=True, text=True,
                              check=True).stdout  # fmt: skip
        assert "not found" not in said, f"{program}: {said}"


def test_no_compiler_and_no_lists(roots):
    for root in roots.values():
        assert not os.path.exists(f"{root}/usr/bin/cc")
        assert not os.listdir(f"{root}/var/lib/apt/lists")


class FromImages(Cluster):
    """A controller and an invoker in containers of their images, on this host's network."""

    def __init__(self, gust_bin, runtime, roots):
        super().__init__(gust_bin, runtime)
        self.roots, self.parts = roots, []
        self.key = KEY

    def __enter__(self):
        try:
            self.start_parts()
        except BaseException:
            self.__exit__(AssertionError, None, None)
            raise
        return self

    def start_parts(self):
        log = self.runtime / "log"
        self.parts.append(start(self.roots["controller"], "ro", ["/usr/local/bin/gust", "controller"], {
            "GUST_API_KEY": KEY, "GUST_JOIN_TOKEN": TOKEN, "GUST_LISTEN": "127.0.0.1:0", "GUST_TRANSPORT": "tls",
            "GUST_INVOKER_LISTEN": "127.0.0.1:0", "GUST_STATE": "/tmp/state", "GUST_STATE_DIR": "/tmp/gust"}, log.open("ab"),
            ["--userspec", "65532:65532"]))  # fmt: skip
        told = wait_for(lambda: re.search(r"controller at (https://\S+:(\d+)), invokers join at ([^\s,]+)", log.read_text()), 20,
                        "the controller's first word")  # fmt: skip
        self.port = int(told[2])
        self.ca_file = self.runtime / "certificate.pem"
        self.ca_file.write_bytes(self.file_of_controller("/tmp/gust/certificate.pem"))
        self.environment |= {"GUST_ENDPOINT": told[1], "GUST_API_KEY": KEY, "GUST_CA_FILE": str(self.ca_file)}
        self.parts.append(start(self.roots["invoker"], "rw", ["/usr/local/bin/gust", "invoker"], {
            "GUST_JOIN_TOKEN": TOKEN, "GUST_INVOKER_NAME": "node-7", "GUST_CONTROLLER": told[3], "GUST_SLOTS": "4",
            "GUST_STATE_DIR": "/run/gust"}, log.open("ab")))  # fmt: skip
        wait_for(lambda: [entry["name"] for entry in self.status()["invokers"]] == ["node-7"], 20, "the invoker joins")

    def file_of_controller(self, path):
        """A file as the controller sees it."""
        with open(f"/proc/{self.parts[0].pid}/root{path}", "rb") as file:
            return file.read()

    def __exit__(self, kind, error, trace):
        for part in self.parts:
            part.send_signal(signal.SIGTERM)
        for part in self.parts:
            part.wait(10)


def test_a_cluster_of_both(gust_bin, roots, tmp_path, worker):
    """In sandboxes, with the libraries and the Python of the invoker's image; the controller cannot write to its own."""
    with FromImages(gust_bin, tmp_path, roots) as cluster:
        (invoker,) = cluster.status()["invokers"]
        assert (invoker["driver"], invoker["slots"]) == ("sandbox", 4)
        with open(f"/proc/{cluster.parts[0].pid}/status", encoding="utf-8") as status:
            assert re.search(r"^Uid:\s+65532\s", status.read(), re.MULTILINE)
        cluster.deploy("task", worker("task"))
        (tmp_path / "hello.py").write_text("def work(params, burst):\n    return {'worker': burst.worker_id}\n")
        cluster.deploy("hello", tmp_path / "hello.py")
        for action in ("task", "hello"):
            done = cluster.gust("flare", action, "--workers", 4, "--granularity", 2, "--wait")
            assert done.returncode == 0, done.stderr
        # As docs/kubernetes.md has it, beside the controller and as its user.
        measured = subprocess.run(
            ["nsenter", f"--target={cluster.parts[0].pid}", "--mount", "--root", "--setuid=65532", "--setgid=65532", "--",
             "/usr/local/bin/gust", "bench", "startup", "--endpoint", cluster.environment["GUST_ENDPOINT"], "--workers", "4",
             "--granularity", "2", "--sleep", "1", "--out", "/tmp/results"],
            env={"GUST_API_KEY": KEY, "GUST_CA_FILE": "/tmp/gust/certificate.pem"}, capture_output=True, text=True, check=False,
            timeout=60)  # fmt: skip
        assert measured.returncode == 0, measured.stderr
        assert cluster.file_of_controller("/tmp/results/4/gran2.csv").count(b"\n") == 5
        cluster.wait_idle()
