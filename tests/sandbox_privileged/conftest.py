"""What the tests of sandboxes share: whether there can be any here."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def permitted(gust, tmp_path_factory):
    """Skips all of them where the machine forbids sandboxes: what `gust up` then says is tested elsewhere."""
    runtime = tmp_path_factory.mktemp("trial")
    tried = gust("bench", "startup", "--workers", 1, "--invokers", 1, "--slots", 1, "--granularity", 1, "--sleep", 0,
                 env={"XDG_RUNTIME_DIR": str(runtime), "HOME": str(runtime), "PATH": "/usr/bin:/bin"})  # fmt: skip
    if tried.returncode == 4:
        pytest.skip(tried.stderr)
    assert tried.returncode == 0, tried.stderr
