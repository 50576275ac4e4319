"""The burst call of Lithops' fork, through examples/lithops_burst.py: Python's http.client, the target in absolute form, one
payload for all calls, made by the Lithops that is installed."""

import pathlib
import subprocess

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"

# Results too large to travel in the status are objects of their own.
SCRIPT = """
import sys

sys.path.insert(0, {examples!r})
import lithops_burst

def work(x):
    import os

    return [x, os.environ["__OW_ACTIVATION_ID"], "r" * 9000]

executor = lithops.FunctionExecutor(runtime_memory={memory})
futures = lithops_burst.map_burst(executor, work, range({calls}), granularity={granularity}, join={join})
results = executor.get_result(futures)
storage = executor.internal_storage
job = futures[0].job_key
keys = storage.storage.list_keys(storage.bucket, "lithops.jobs/" + job)
tell({{"values": [r[0] for r in results], "activations": [r[1] for r in results],
      "statuses": sum(key.endswith("status.json") for key in keys),
      "results": sum(key.endswith("output.pickle") for key in keys)}})
"""


@pytest.mark.parametrize(("granularity", "join", "packs"), [(12, False, 4), (None, False, 2), (12, True, 2)])
def test_forty_eight_calls(make_lithops, lithops_cluster, redis_storage, granularity, join, packs):
    with lithops_cluster(invokers=2, slots=24) as cluster:
        lithops = make_lithops(cluster, redis_storage)
        script = SCRIPT.format(examples=str(EXAMPLES), memory=1024, calls=48, granularity=granularity, join=join)
        done = lithops.run(script)
        assert done["values"] == list(range(48))
        assert (done["statuses"], done["results"]) == (48, 48)
        # One activation a pack, of a contiguous range of calls.
        activations = done["activations"]
        assert len(set(activations)) == packs
        assert activations == sorted(activations, key=activations.index)
        cluster.wait_idle()


def test_nine_hundred_and_sixty_calls(make_lithops, lithops_cluster, redis_storage):
    with lithops_cluster("--memory", "50GB", invokers=20, slots=48) as cluster:
        lithops = make_lithops(cluster, redis_storage)
        script = SCRIPT.format(examples=str(EXAMPLES), memory=4096, calls=960, granularity=48, join=False)
        done = lithops.run(script, timeout=300)
        assert done["values"] == list(range(960))
        assert (done["statuses"], done["results"]) == (960, 960)
        assert [done["activations"].count(id) for id in dict.fromkeys(done["activations"])] == [48] * 20
        cluster.wait_idle()


def test_statistics_as_a_figure(gust, make_lithops, lithops_cluster, client_python, redis_storage, tmp_path):
    with lithops_cluster("--memory", "50GB", invokers=20, slots=48) as cluster:
        lithops = make_lithops(cluster, redis_storage)
        results = tmp_path / "results.csv"
        command = [client_python / "bin/python3", EXAMPLES / "lithops_burst.py", "--workers", "960", "--sleep", "5"]
        done = subprocess.run(
            [*command, "--granularity", "48", "--out", results],
            env=lithops.environment,
            cwd=lithops.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        cluster.wait_idle()
    figure = tmp_path / "startup.svg"
    plotted = gust("plot", "startup", results, "-o", figure)
    assert plotted.returncode == 0, plotted.stderr
    assert figure.stat().st_size > 1000
    stats = gust("stats", results)
    assert stats.returncode == 0 and "960" in stats.stdout, stats.stdout + stats.stderr
