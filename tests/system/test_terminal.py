"""`gust flare --wait` on a real terminal: a progress bar that is drawn, fits, and leaves nothing."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from cluster import wait_for

COLUMNS = 60


@pytest.fixture(scope="module")
def cluster(make_cluster, worker):
    # Plain processes: they see the file that lets them go.
    with make_cluster("--driver", "process", invokers=2, slots=4) as cluster:
        cluster.deploy("task", worker("task"))
        yield cluster


class Terminal:
    """A `gust` command whose standard error is a terminal, and what it has shown there."""

    def __init__(self, cluster, *arguments):
        self.screen, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        self.process = cluster.start(*arguments, stderr=terminal)
        os.close(terminal)
        self.shown = ""

    def read(self, seconds):
        """Takes what comes within `seconds`; False once the terminal is closed."""
        if not select.select([self.screen], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self.screen, 65536)
        except OSError:  # Linux says so of a terminal that nobody has open any more
            piece = b""
        self.shown += piece.decode()
        return piece != b""

    def wait_shown(self, pattern, seconds=10):
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.shown):
            assert time.monotonic() < deadline and self.read(0.1), f"no {pattern} in {self.shown!r}"

    def finish(self):
        """The exit code and standard output; all that was shown is in `shown` then."""
        while self.read(10):
            pass
        os.close(self.screen)
        output, _ = self.process.communicate(timeout=10)
        return self.process.returncode, output


def drawn(shown):
    """The lines that were drawn one over the other."""
    return [line for line in shown.split("\r\033[K") if line]


def test_bar_is_drawn_and_cleaned(cluster, tmp_path):
    go = tmp_path / "go"
    terminal = Terminal(cluster, "flare", "task", "--workers", 6, "--wait", "--param",
                        f'{{"do": "await file", "file": "{go}"}}')  # fmt: skip
    terminal.wait_shown(r"running +\[\.{30}\] 0/6  finished")
    go.touch()
    code, output = terminal.finish()
    assert code == 0
    assert "6 workers in 2 packs" in output
    assert terminal.shown.endswith("\r\033[K")  # the line is empty again
    assert "\n" not in terminal.shown


def test_queue_is_shown_in_one_line(cluster):
    """The reason for waiting is long; a line that wraps could not be drawn over."""
    first = cluster.flare("task", [{"do": "sleep", "seconds": 60}] * 8)
    cluster.wait_running(first)
    terminal = Terminal(cluster, "flare", "task", "--workers", 8, "--wait")
    terminal.wait_shown("queued .* place 1 in")
    cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{first}")
    code, _ = terminal.finish()
    assert code == 0
    assert max(map(len, drawn(terminal.shown))) < COLUMNS
    assert terminal.shown.endswith("\r\033[K")


def test_ctrl_c(cluster):
    terminal = Terminal(cluster, "flare", "task", "--workers", 6, "--wait", "--param", '{"do": "sleep", "seconds": 60}')
    terminal.wait_shown("0/6  finished")
    terminal.process.send_signal(signal.SIGINT)
    code, output = terminal.finish()
    assert (code, output) == (130, "")
    *_, last = drawn(terminal.shown)
    assert re.match(r"gust: flare [0-9a-f]{32} cancelled: .*\r\n", last)
    cluster.wait_idle()


def test_error_stands_on_a_clean_line(cluster):
    terminal = Terminal(cluster, "flare", "nobody", "--workers", 6, "--wait")
    code, _ = terminal.finish()
    assert code == 5
    assert terminal.shown == "gust: there is no action nobody in namespace guest\r\n"


def test_ctrl_c_on_the_terminal_of_gust_up(cluster, tmp_path):
    """A terminal's Ctrl-C goes to the whole foreground group; the cluster's parts must end in order all the same."""
    screen, terminal = pty.openpty()
    environment = {**cluster.environment, "XDG_RUNTIME_DIR": str(tmp_path)}
    up = subprocess.Popen([cluster.gust_bin, "up", "--listen", "127.0.0.1:0", "--invokers", "3", "--slots", "2"],
                          stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True,
                          preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))  # fmt: skip
    os.close(terminal)
    wait_for(lambda: (tmp_path / "gust/up.toml").exists(), 10, "up is ready")
    folder = os.path.dirname(os.path.dirname(re.search('ca_file = "(.*)"', (tmp_path / "gust/up.toml").read_text())[1]))
    os.write(screen, b"\x03")
    assert up.wait(10) == 0
    assert not (tmp_path / "gust/up.toml").exists()
    assert not os.path.exists(folder)
    os.close(screen)
