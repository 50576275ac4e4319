"""Images for these tests: a small Debian with Python, made from packages, in a store of the tests' own."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def debian():
    """The archive that deploy/images/python.sh makes: a minute the first time."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if shutil.which("mmdebstrap") is None:
        pytest.skip("there is no mmdebstrap; apt install mmdebstrap")
    made = subprocess.run([ROOT / "deploy/images/python.sh"], capture_output=True, text=True, check=False, timeout=800)
    if made.returncode != 0 and not os.environ.get("CI"):
        pytest.skip(f"no packages can be had here: {made.stderr.splitlines()[-1:]}")
    assert made.returncode == 0, made.stderr
    return pathlib.Path(made.stdout.strip())


@pytest.fixture(scope="module")
def image_store(tmp_path_factory):
    """The environment that makes `gust` use a store of this module's own."""
    return {**os.environ, "GUST_IMAGE_DIR": str(tmp_path_factory.mktemp("store") / "images")}
