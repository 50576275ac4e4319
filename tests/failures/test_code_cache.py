"""An invoker keeps packages up to a limit; what it has dropped comes again before it is needed."""

import pytest

from apart import Apart

MIB = 1 << 20


@pytest.fixture
def apart(gust_bin, tmp_path):
    parts = Apart(gust_bin, tmp_path)
    parts.start_controller()
    parts.start_invoker("node", "--driver", "process", "--code-cache", "3MB", "--controller-grace", "30s")
    parts.wait_joined("node")
    try:
        yield parts
    finally:
        parts.kill_all()


def deploy(apart, tmp_path, name, body="return {'name': '%s'}"):
    source = tmp_path / f"{name}.py"
    code = body % name if "%s" in body else body
    source.write_text(f"import time\ndef main(args):\n    {code}\n" + f"# {name}\n" * (MIB // (len(name) + 3)))
    apart.deploy(name, source)


def kept(apart):
    return sorted(
        path.stat().st_size for path in (apart.state_dir / "node").rglob("code/*") if path.stat().st_size > MIB // 2
    )


def run(apart, name):
    answer = apart.request("POST", f"/api/v1/namespaces/_/actions/{name}?blocking=true&result=true", {})
    assert answer.status == 200, answer.body
    return answer.json()["name"]


def test_the_limit_holds_and_everything_runs(apart, tmp_path):
    names = [f"action-{letter}" for letter in "abcdefg"]
    for name in names:
        deploy(apart, tmp_path, name)
    for name in names + names[::-1]:
        assert run(apart, name) == name
    assert sum(kept(apart)) <= 3 * MIB
    assert len(kept(apart)) == 2
    # Known again after a reconnection, to whoever comes.
    apart.controller.kill()
    apart.controller.communicate()
    apart.start_controller()
    apart.wait_joined("node")
    deploy(apart, tmp_path, names[0])
    assert run(apart, names[0]) == names[0]
    assert sum(kept(apart)) <= 3 * MIB


def test_what_runs_keeps_its_package(apart, tmp_path):
    deploy(apart, tmp_path, "long", "time.sleep(3); return {'name': '%s'}")
    long = apart.request("POST", "/api/v1/namespaces/_/actions/long", {}).json()["activationId"]
    apart.wait_running(long)
    for name in ("one", "two", "three"):
        deploy(apart, tmp_path, name)
        assert run(apart, name) == name
    assert len(kept(apart)) == 2
    second = apart.request("POST", "/api/v1/namespaces/_/actions/long", {}).json()["activationId"]
    for activation in (long, second):
        assert apart.wait_ended(activation)["state"] == "succeeded"
