"""The package as pip installs it, and a cluster for it."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def python(tmp_path_factory):
    """The interpreter of a virtual environment in which the package is installed; this process can import it, too."""
    folder = ROOT / "build/python_package"
    shutil.rmtree(folder, ignore_errors=True)
    # A copy, because building leaves files beside the source.
    source = tmp_path_factory.mktemp("source") / "python"
    shutil.copytree(ROOT / "python", source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    # With what the system has (setuptools to build it, cloudpickle), so that nothing is fetched.
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", folder], check=True)
    program = folder / "bin/python"
    install = [program, "-m", "pip", "install", "--no-index", "--no-build-isolation", "--no-deps", "--quiet", source]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    packages = subprocess.run(
        [program, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
        capture_output=True,
        text=True,
        check=True,
    )
    sys.path.insert(0, packages.stdout.strip())
    return program


@pytest.fixture(scope="session")
def gust_package(python):
    import gust

    assert pathlib.Path(gust.__file__).is_relative_to(ROOT / "build"), "not the one that was installed"
    return gust


@pytest.fixture(scope="module")
def cluster(make_cluster):
    with make_cluster(invokers=2, slots=50) as cluster:
        yield cluster
        cluster.wait_idle()


@pytest.fixture
def client(gust_package, cluster):
    with gust_package.Client(cluster.endpoint, cluster.key, ca_file=cluster.ca_file) as client:
        yield client
    assert not [
        name for name in _actions(cluster) if name.startswith("map-")
    ], "a function that was sent is still there"


def _actions(cluster):
    answer = cluster.request("GET", "/api/v1/namespaces/_/actions?limit=0")
    return [entry["name"] for entry in answer.json()]
