"""A cluster on hosts of its own; GUST_HOSTS says how many, four otherwise."""

import os
import shutil

import pytest

from host_cluster import HostCluster, Hosts

HOSTS = int(os.environ.get("GUST_HOSTS", "4"))


@pytest.fixture(scope="session", autouse=True)
def namespaces():
    """Skips where there can be none."""
    for program in ("ip", "tc", "nft", "nsenter", "setpriv"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    try:
        with Hosts(1):
            pass
    except (OSError, RuntimeError) as error:
        pytest.skip(f"this machine permits no network namespaces: {error}")


@pytest.fixture(scope="module")
def hosts():
    """Plain links: as fast as the machine is."""
    with Hosts(HOSTS) as hosts:
        yield hosts


@pytest.fixture(scope="module")
def cluster(gust_bin, tmp_path_factory, hosts, worker):
    with HostCluster(gust_bin, tmp_path_factory.mktemp("runtime"), hosts, slots=8) as cluster:
        cluster.deploy("misbehave", worker("misbehave"))
        cluster.deploy("talk", worker("talk"))
        yield cluster
