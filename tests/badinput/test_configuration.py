"""Wrong configurations and clusters that cannot start."""

import socket

import pytest


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ('queue_limit = "many"\n', "c.toml:1:15: queue_limit: 'many' is not a whole number"),
        ("slots = 3\n\n  qeue_limit = 3\n", "there is no setting 'qeue_limit'; gust config lists them"),
        ("slots = 3\nlisten = \n", "c.toml:2:10: "),
        ('log_level = "loud"\n', "c.toml:1:13: log_level: 'loud' is not one of debug, info"),
        ("slots = 1.5\n", "c.toml:1:9: slots: expected a text, a whole number or a truth value"),
        ("slots = -1\n", "c.toml:1:9: slots: '-1' is not a whole number"),
        ("[controller]\nslots = 3\n", "c.toml:1:1: controller: expected a text"),
        ("\x00\x01", "c.toml:1:1: "),
    ],
)
def test_file(alone, tmp_path, text, fragment):
    path = tmp_path / "c.toml"
    path.write_text(text)
    for command in (["config"], ["up"], ["status"], ["controller"], ["invoker"]):
        done = alone.gust(*command, "--config", path)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert fragment in done.stderr


@pytest.mark.parametrize(
    ("runtimes", "fragment"),
    [
        ("lithopscloud/*", "GUST_RUNTIMES: 'lithopscloud/*' is no runtime; write NAME=python:FOLDER"),
        ("a=python:venv", "GUST_RUNTIMES: python 'venv' must be the absolute path of a folder with bin/python3"),
        ("a=python:/nowhere", "python /nowhere: there is no program /nowhere/bin/python3; name a virtualenv"),
    ],
)
@pytest.mark.parametrize("driver", ["process", "sandbox"])
def test_runtimes(alone, runtimes, fragment, driver):
    alone.environment["GUST_RUNTIMES"] = runtimes
    done = alone.gust("up", "--driver", driver, "--listen", "127.0.0.1:0")
    assert done.returncode == 2
    assert fragment in done.stderr


def test_unknown_key_names_line_and_column(alone, tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("slots = 3\n\n  qeue_limit = 3\n")
    assert f"{path}:3:" in alone.gust("config", "--config", path).stderr


def test_file_that_is_not_there(alone):
    done = alone.gust("config", "--config", "/nowhere.toml")
    assert done.returncode == 5
    assert "configuration file /nowhere.toml does not exist" in done.stderr


def test_environment(alone):
    done = alone.gust("config", "--config", "/dev/null")
    assert done.returncode == 0
    alone.environment["GUST_SLOTS"] = "many"
    done = alone.gust("config")
    assert done.returncode == 2
    assert "GUST_SLOTS: 'many' is not a whole number" in done.stderr


@pytest.mark.parametrize(
    ("flags", "code", "fragment"),
    [
        (["--driver", "magic"], 2, "container driver 'magic' does not exist; there are: process, sandbox"),
        (["--invokers", "0"], 2, "--invokers: 0 is not a whole number from 1 on"),
        (["--slots", "many"], 2, "slots: 'many' is not a whole number"),
        (["--memory", "1XB"], 2, "memory: '1XB' is not a size"),
        (["--listen", "nowhere"], 2, "'nowhere' is not an address; write host:port"),
        (["--listen", "300.1.1.1:0"], 2, "'300.1.1.1' is not an IP address to listen on"),
        (["--tls-certificate", "/nowhere", "--tls-key", "/nowhere"], 2, "cannot read /nowhere"),
        (["--transport", "pigeon"], 2, "'pigeon' is not one of both, tls, plain"),
        (["--api-key", "user:"], 2, "api_key: a key has a user and a secret"),
        (["--bogus"], 2, "--bogus"),
    ],
)
def test_up(alone, flags, code, fragment):
    alone.environment["GUST_LISTEN"] = "127.0.0.1:0"
    done = alone.gust("up", *flags)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert fragment in done.stderr
    assert not alone.up_file.exists()


def test_port_in_use(alone):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for command in (["up", "--invokers", 2], ["controller", "--invoker-listen", f"unix:{alone.runtime}/s"]):
            alone.environment["GUST_API_KEY"] = "test:key"
            done = alone.gust(*command, "--listen", f"127.0.0.1:{port}")
            assert (done.returncode, done.stdout) == (3, ""), done.stderr
            assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert not alone.up_file.exists()


def test_a_controller_needs_a_key(alone):
    done = alone.gust("controller", "--listen", "127.0.0.1:0")
    assert done.returncode == 2
    assert "a controller needs a key for its clients: set GUST_API_KEY" in done.stderr
