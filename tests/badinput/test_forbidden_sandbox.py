"""Where the machine forbids sandboxes: what is missing and the way out are named, and what can go on does."""

import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# In a user namespace in which there may be no other: as in a container without the capability.
FORBIDDEN = [
    "unshare", "--user", "--map-root-user", "sh", "-c",
    'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "sh",
]  # fmt: skip


@pytest.fixture
def forbidden(alone):
    """Runs a command so, with the environment of a user of its own."""
    tried = subprocess.run([*FORBIDDEN, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"a user namespace to forbid others in cannot be had here: {tried.stderr}")

    def run(*command, **options):
        return subprocess.run(
            [*FORBIDDEN, *map(str, command)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=alone.environment,
            **options,
        )

    return run


def test_up_names_the_permission_and_the_way_out(forbidden, gust_bin):
    done = forbidden(gust_bin, "up", "--listen", "127.0.0.1:0")
    assert (done.returncode, done.stdout) == (4, "")
    assert "the sandbox driver may not make namespaces here" in done.stderr
    assert "CAP_SYS_ADMIN" in done.stderr
    assert "--driver process" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_the_way_out_is_one(forbidden, gust_bin):
    flags = ["--workers", 4, "--invokers", 1, "--slots", 4, "--granularity", 4, "--sleep", 1]
    done = forbidden(gust_bin, "bench", "startup", *flags)
    assert done.returncode == 4
    assert "the cluster for this experiment did not start" in done.stderr
    done = forbidden(gust_bin, "bench", "startup", *flags, "--driver", "process")
    assert done.returncode == 0, done.stderr


def test_the_demo_falls_back_with_a_notice(forbidden, gust_bin, tmp_path):
    """The function of ./dev itself; what it would build and install is there."""
    if gust_bin.parent != ROOT / "build/release/bin":
        pytest.skip("./dev demo runs the release build")
    script = f". dev.d/lib.sh; . dev.d/demo.sh; need_packages() {{ :; }}; build_preset() {{ :; }}; cmd_demo --workers 4 \
        --invokers 2 --slots 2 --granularity 1,2 --sleep 1 --out {tmp_path}/out"
    done = forbidden("bash", "-euo", "pipefail", "-c", script, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "notice: this machine does not permit sandboxes" in done.stderr
    assert (tmp_path / "out/startup.png").stat().st_size > 0


def test_privileged_tests_are_skipped(forbidden, gust_bin):
    program = gust_bin.parent / "gust_container_test"
    if not program.exists():
        pytest.skip("the unit tests of container are not built")
    done = forbidden(program, "--gtest_filter=*Hostile*:*Leftovers*")
    assert done.returncode == 0, done.stdout
    assert "[  PASSED  ] 0 tests." in done.stdout
    assert "the sandbox driver may not make namespaces here" in done.stdout
