"""A controller with a state that lies in a folder, and invokers, each with a life of its own."""

import pytest

from apart import Apart


@pytest.fixture
def apart(gust_bin, tmp_path):
    parts = Apart(gust_bin, tmp_path)
    parts.folder = tmp_path / "state"
    parts.start_with_state = lambda: parts.start_controller("--state", parts.folder)
    parts.start_with_state()
    try:
        yield parts
    finally:
        parts.kill_all()
