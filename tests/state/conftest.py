"""A controller with a state that lies in a folder, and an invoker, each with a life of its own."""

import contextlib

import pytest

from apart import KEY, Apart


@pytest.fixture
def apart(gust_bin, tmp_path):
    parts = Apart(gust_bin, tmp_path)
    parts.state_dir = tmp_path / "invoker"
    parts.folder = tmp_path / "state"

    def start():
        parts.start_controller("--state", parts.folder)
        parts.environment.update({"GUST_ENDPOINT": parts.endpoint, "GUST_API_KEY": KEY, "GUST_CA_FILE": parts.ca_file})

    parts.start_with_state = start
    start()
    try:
        yield parts
    finally:
        for process in (parts.controller, getattr(parts, "invoker", None)):
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                process.communicate()
        parts.wait_no_processes(5)
