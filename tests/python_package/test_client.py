"""Deploying and starting by name, where the client finds its controller, the terminal, what is refused."""

import os
import pathlib
import pty
import subprocess
import sys
import types

import pytest

import functions

ROOT = pathlib.Path(__file__).parent.parent.parent
SOURCE = "def work(params, burst):\n    return [burst.worker_id, params]\n"


def test_deploy_source_path_and_function(client, tmp_path, worker):
    file = tmp_path / "double.py"
    file.write_text("def main(args):\n    return args * 2\n")
    for name, code, results in (
        ("text", SOURCE, [[0, 5], [1, 6]]),
        ("file", file, [10, 12]),
        ("function", functions.square, [25, 36]),
        ("object", worker("echo"), [5, 6]),
    ):
        entity = client.deploy(name, code, memory=128, timeout=30)
        assert entity["limits"]["memory"] == 128 and entity["limits"]["timeout"] == 30_000
        assert name in client.actions()
        assert client.flare(name, [5, 6]).get_result(timeout=60) == results
        client.delete(name)
        assert name not in client.actions()


def test_main_and_kind(client):
    client.deploy("named", "def other(x): return -x\n", main="other", kind="python:3")
    assert client.flare("named", [3]).get_result(timeout=60) == [-3]
    client.delete("named")


def script(python, cluster, text, **environment):
    """Runs a program in the virtual environment; gives its output. Without settings it finds the cluster by itself."""
    done = subprocess.run(
        [python, "-c", text],
        env={**cluster.environment, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


SHOW = "import gust; print(gust.Client().actions())"


def test_settings_come_from_where_the_command_line_takes_them(python, cluster, client, tmp_path):
    client.deploy("seen", SOURCE)
    assert script(python, cluster, SHOW) == "['seen']"  # what gust up has left
    empty = {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    assert "nothing answers at https://127.0.0.1" in script(
        python, cluster, SHOW, **empty, GUST_ENDPOINT="https://127.0.0.1:1"
    )
    settings = {"GUST_ENDPOINT": cluster.endpoint, "GUST_API_KEY": cluster.key, "GUST_CA_FILE": str(cluster.ca_file)}
    assert script(python, cluster, SHOW, **empty, **settings) == "['seen']"
    home = tmp_path / ".config/gust"
    home.mkdir(parents=True)
    (home / "gust.toml").write_text(
        f"# of a cluster\nendpoint = '{cluster.endpoint}' # here\napi_key = \"{cluster.key}\"\nslots = 4\ninsecure = true\n"
    )
    assert script(python, cluster, SHOW, **empty) == "['seen']"
    other = {**empty, "GUST_API_KEY": "wrong:key"}
    assert "set GUST_API_KEY or api_key" in script(python, cluster, SHOW, **other)
    # The key of what gust up runs is not shown to another controller.
    leak = "import gust.settings as s; print(repr(s.load_settings(endpoint='https://127.0.0.1:1').api_key))"
    assert script(python, cluster, leak) == "''"
    client.delete("seen")


def test_the_reader_of_old_pythons_reads_the_same(gust_package, cluster):
    import tomllib

    from gust import settings

    text = cluster.up_file.read_text() + "slots = 4 # each\nname = 'a#b'\ninsecure = true\n"
    assert settings._parse_lines(text, cluster.up_file) == tomllib.loads(text)
    with pytest.raises(gust_package.ConfigurationError, match="up.toml:1: "):
        settings._parse_lines("endpoint = [1]", cluster.up_file)


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_other_pythons(python, cluster, gust_package, version):
    packages = str(pathlib.Path(gust_package.__file__).parent.parent)
    # pyenv, where it is what finds them, has to be told which one is meant.
    mine = {"XDG_RUNTIME_DIR": str(cluster.runtime), "PYTHONPATH": packages, "PYENV_VERSION": version}
    environment = {**os.environ, **mine}
    probe = ["sh", "-c", f"python{version} -c 'import gust'"]
    if subprocess.run(probe, env=environment, capture_output=True, check=False).returncode == 127:
        pytest.skip(f"there is no python{version} here")
    example = [f"python{version}", ROOT / "examples/primes.py"]
    done = subprocess.run(example, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.startswith("75618 primes\n96 of 96 workers started, in 2 packs on 2 invokers"), done.stderr


def test_the_example(python, cluster):
    done = subprocess.run(
        [python, ROOT / "examples/primes.py"], env=cluster.environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("75618 primes\n"), done.stderr
    assert done.stderr == ""  # no progress bar where there is no terminal


def test_the_progress_bar_of_a_terminal(python, cluster):
    controller, terminal = pty.openpty()
    text = (
        "import gust, time\ndef f(x):\n    import time\n    time.sleep(x)\ngust.Client().map(f, [0.5] * 4).get_result()"
    )
    file = cluster.runtime / "bar.py"
    file.write_text(text)
    with subprocess.Popen([python, file], env=cluster.environment, stderr=terminal) as program:
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(controller, 4096)
            except OSError:  # its end
                break
            if not piece:
                break
            shown += piece
        assert program.wait(30) == 0, shown
    os.close(controller)
    assert b"running    [" in shown and b"] 0/4  finished" in shown
    assert shown.endswith(b"\r\x1b[K")


def test_the_type_of_a_burst_is_that_of_workers(gust_package):
    """One implementation: what packs run. The package has its type only."""
    runner = types.ModuleType("runner")
    exec((ROOT / "src/pack/python/runner.py").read_text(), runner.__dict__)
    lines = ["code c", "main ", "single 0", "burst_id b", "burst_size 4", "pack_id 1", "invoker_id 0"]
    job = runner.Job("\n".join([*lines, "first_worker 2", "pack_first_worker 0 2", "params_end 1 2"]))
    burst = runner.Burst(job, 3)
    assert isinstance(burst, gust_package.Burst)
    assert {name for name in dir(burst) if name[0] != "_"} == {name for name in _members(gust_package.Burst)}


def _members(protocol):
    return {name for name in [*protocol.__annotations__, *vars(protocol)] if name[0] != "_"}


def module_user(x):
    return functions.square(x)


# What is refused, before anything is sent.


def refused(gust_package, client, function, without_cloudpickle=True, values=(1,)):
    saved = sys.modules.get("cloudpickle")
    if without_cloudpickle:
        sys.modules["cloudpickle"] = None  # what Python itself has for a module that is not there
    try:
        with pytest.raises(gust_package.ShippingError) as caught:
            client.map(function, values)
    finally:
        sys.modules.pop("cloudpickle", None)
        if saved is not None:
            sys.modules["cloudpickle"] = saved
    return str(caught.value)


def test_functions_that_cannot_be_sent(gust_package, client):
    handle = open(os.devnull, "rb")
    scope = {"handle": handle}
    exec("def typed(x):\n    return handle", scope)

    def work(x):
        return x

    assert "uses variables of the function around it (factor)" in refused(gust_package, client, functions.scaled(2))
    assert "a lambda has no source of its own" in refused(gust_package, client, lambda x: x)
    assert "cannot be read (was it typed in at a prompt?)" in refused(gust_package, client, scope["typed"])
    assert "is not defined at the top level" in refused(gust_package, client, work)
    assert "must take one argument" in refused(gust_package, client, lambda: 1)
    assert "must take one argument" in refused(gust_package, client, lambda a, b, c: 1)
    assert "uses functions, a module of your own" in refused(gust_package, client, module_user)
    assert "is no function that Python code defines" in refused(gust_package, client, len)
    message = refused(gust_package, client, scope["typed"], without_cloudpickle=False)
    assert "cloudpickle: TypeError" in message
    handle.close()


def test_parameters_that_cannot_be_sent(gust_package, client):
    with pytest.raises(TypeError, match="the parameters of worker 1 cannot be JSON: .*set"):
        client.map(functions.square, [1, {2}])
    with pytest.raises(TypeError, match="the parameters of worker 0 cannot be JSON"):
        client.map(functions.square, [float("nan")])
    with pytest.raises(ValueError, match="there would be no workers"):
        client.map(functions.square, [])


def test_what_the_controller_refuses(gust_package, client, tmp_path):
    with pytest.raises(gust_package.ApiError, match="nobody") as caught:
        client.flare("nobody", [1])
    assert caught.value.status == 404
    with pytest.raises(gust_package.ApiError, match="granularity"):
        client.map(functions.square, [1], granularity=-1)
    with pytest.raises(gust_package.ConfigurationError, match="does not tell what it is"):
        client.deploy("x", tmp_path / "x.txt")
    with pytest.raises(FileNotFoundError):
        client.deploy("x", tmp_path / "x.py")
    with pytest.raises(gust_package.ConfigurationError, match="give pathlib.Path"):
        client.deploy("x", str(tmp_path))
    with pytest.raises(gust_package.ConfigurationError, match="write https://host:port"):
        gust_package.Client("127.0.0.1:3233")


def test_a_certificate_that_is_not_trusted(gust_package, cluster, tmp_path):
    with pytest.raises(gust_package.Unreachable, match="is not trusted .* ca_file or GUST_CA_FILE"):
        gust_package.Client(cluster.endpoint, cluster.key).actions()
    assert isinstance(gust_package.Client(cluster.endpoint, cluster.key, insecure=True).actions(), list)
    with pytest.raises(gust_package.ConfigurationError, match="cannot be used"):
        gust_package.Client(cluster.endpoint, cluster.key, ca_file=tmp_path / "none.pem")
