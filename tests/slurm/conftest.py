"""Slurm on this machine, as slurm_cluster.py starts it."""

import pytest

import slurm_cluster


@pytest.fixture(scope="session")
def make_slurm(gust_bin):
    """Gives clusters of Slurm's that are not started yet: to be used with `with`."""
    if reason := slurm_cluster.missing():
        pytest.skip(reason)

    def make(nodes, cpus):
        slurm = slurm_cluster.SlurmCluster(nodes, cpus)
        slurm.environment["GUST_BIN"] = str(gust_bin)
        return slurm

    return make
