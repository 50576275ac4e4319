"""Lithops as it is on PyPI, with its backend for OpenWhisk."""


def test_a_call_and_its_result(lithops):
    assert (
        lithops.run(
            """
            def greet(name):
                return {"hello": name}

            executor = lithops.FunctionExecutor()
            executor.call_async(greet, "world")
            tell(executor.get_result())
            """
        )
        == {"hello": "world"}
    )


def test_a_map_of_a_hundred(lithops):
    done = lithops.run(
        """
        import os

        def double(x):
            return 2 * x, os.environ["__OW_ACTIVATION_ID"]

        executor = lithops.FunctionExecutor()
        futures = executor.map(double, range(100))
        results = executor.get_result(futures)
        tell({"doubled": [r[0] for r in results], "activations": [r[1] for r in results],
              "stats": [sorted(f.stats) for f in futures][0]})
        """
    )
    assert done["doubled"] == [2 * x for x in range(100)]
    assert len(set(done["activations"])) == 100
    assert {"worker_start_tstamp", "host_job_create_tstamp", "worker_func_exec_time"} <= set(done["stats"])


def test_a_map_and_its_reduction(lithops):
    assert (
        lithops.run(
            """
            def square(x):
                return x * x

            def add(results):
                return sum(results)

            executor = lithops.FunctionExecutor()
            executor.map_reduce(square, range(20), add)
            tell(executor.get_result())
            """
        )
        == sum(x * x for x in range(20))
    )


def test_an_exception_reaches_the_caller(lithops):
    told = lithops.run(
        """
        def divide(x):
            return 1 // x

        executor = lithops.FunctionExecutor()
        futures = executor.map(divide, [1, 0, 1])
        try:
            executor.get_result(futures)
            tell("no exception")
        except ZeroDivisionError as error:
            tell(str(error))
        """
    )
    assert told == "integer division or modulo by zero"


def test_runtimes_are_listed_and_deleted(lithops, cluster, packages):
    lithops.run("tell(lithops.FunctionExecutor().call_async(negate, -7).result())")
    package = f"lithops_{cluster.key[:5]}"
    assert package in packages()
    listed = lithops.command("runtime", "list", "--config", lithops.config_file)
    name = lithops.runtime
    assert name in listed and "256" in listed, listed
    lithops.command("runtime", "delete", name, "--config", lithops.config_file)
    assert name not in lithops.command("runtime", "list", "--config", lithops.config_file)
    # It is deployed again where it is needed.
    assert lithops.run("tell(lithops.FunctionExecutor().call_async(negate, -8).result())") == 8


def test_clean_leaves_nothing(lithops, cluster, packages):
    lithops.run("tell(lithops.FunctionExecutor().call_async(negate, -7).result())")
    package = f"lithops_{cluster.key[:5]}"
    assert package in packages()
    lithops.command("clean", "--config", lithops.config_file)
    assert package not in packages()
    actions = cluster.request("GET", "/api/v1/namespaces/_/actions?limit=0").json()
    assert not [action for action in actions if "lithops" in action["name"]]
    # Nor does it stand in the way of the next job.
    assert lithops.run("tell(lithops.FunctionExecutor().call_async(negate, -8).result())") == 8


def test_objects_in_s3(make_lithops, cluster, s3_storage):
    lithops = make_lithops(cluster, s3_storage)
    assert (
        lithops.run(
            """
        executor = lithops.FunctionExecutor()
        tell(executor.get_result(executor.map(negate, [-1, -2, -3])))
        """
        )
        == [1, 2, 3]
    )
