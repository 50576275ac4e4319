#!/usr/bin/env python3
"""A map of Lithops as one burst: all calls start in one request, packed by granularity, where Lithops sends a request each.

    import lithops
    from lithops_burst import map_burst

    executor = lithops.FunctionExecutor()                     # backend openwhisk, as docs/lithops.md configures it
    futures = map_burst(executor, function, range(960), granularity=48)
    print(executor.get_result(futures))

Lithops itself is not changed: its executor makes the job and follows its calls, as in map(). Run as a program, it starts
workers that sleep, and writes one row of statistics for each, which `gust stats` and `gust plot` read:

    lithops_burst.py --workers 960 --granularity 48 --sleep 5 --memory 4096 --out results.csv
    gust plot startup results.csv
"""

import argparse
import csv
import http.client
import json
import os
import ssl
import time
import urllib.parse

import lithops

COLUMNS = (
    "host_job_create_tstamp host_job_serialize_time func_data_size_bytes func_module_size_bytes host_func_upload_time "
    "host_data_upload_time host_job_created_time host_status_done_tstamp host_status_query_count worker_start_tstamp "
    "host_submit_tstamp worker_cold_start worker_peak_memory_start worker_func_start_tstamp worker_func_end_tstamp "
    "worker_func_exec_time func_result_size worker_result_upload_time worker_peak_memory_end worker_end_tstamp "
    "worker_exec_time host_result_done_tstamp host_result_query_count"
).split()


def map_burst(executor, function, iterable, granularity=None, join=False, **options):
    """As executor.map(function, iterable, **options), in one request. Without `granularity` there is one pack for each
    invoker, as large as what is free there; with `join`, packs of one invoker are joined into one."""
    invoker = executor.invoker

    def invoke(job):
        payload = invoker._create_payload(job)  # what each call's request would hold
        payload["call_ids"] = [f"{call:05d}" for call in range(job.total_calls)]
        if not job.data_key:
            del payload["data_byte_ranges"]
            payload["data_byte_strs"] = list(job.data_byte_strs)
        post_burst(invoker.compute_handler.backend, payload, granularity, join)

    # The one step of a job that differs. On this executor's own object, and only for this call.
    invoker._invoke_job = invoke
    try:
        return executor.map(function, iterable, **options)
    finally:
        del invoker._invoke_job


def post_burst(backend, payload, granularity, join):
    """The request that Lithops' fork for bursts sends: the target in absolute form, a new connection. Gives the ids of
    the activations, one for each pack."""
    client = backend.cf_client
    action = backend._format_function_name(payload["runtime_name"], payload["runtime_memory"])
    query = {"burst": "true", "lithops": "true", "join": str(join)}
    if granularity:
        query["granularity"] = str(granularity)
    url = f"{client.url}/{client.namespace}/actions/{backend.package}/{action}?{urllib.parse.urlencode(query)}"
    context = ssl._create_unverified_context() if client.session.verify is False else ssl.create_default_context()
    connection = http.client.HTTPSConnection(urllib.parse.urlsplit(url).netloc, context=context)
    try:
        connection.request("POST", url, body=json.dumps(payload, default=str), headers=client.headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    finally:
        connection.close()
    if response.status != 202:
        raise RuntimeError(f"the burst was refused ({response.status}): {answer.get('error', answer)}")
    return answer["activationIds"]


def sleep(seconds):
    """What the workers do. Gives the index of the invoker, by which figures tell machines apart."""
    time.sleep(seconds)
    return int(os.environ.get("GUST_INVOKER_ID", 0))


def write_statistics(futures, invokers, path):
    """One row a call, with the columns that Lithops' own statistics have had since bursts were first measured with them."""
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*COLUMNS, "hostname"])
        for future, invoker in zip(futures, invokers):
            # What this version of Lithops does not tell is empty.
            rows.writerow([*(future.stats.get(column, "") for column in COLUMNS), invoker])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=96)
    parser.add_argument(
        "--granularity", default=None, help="workers a pack; faas for one request each, by Lithops alone"
    )
    parser.add_argument("--join", action="store_true")
    parser.add_argument("--sleep", type=float, default=1)
    parser.add_argument("--memory", type=int, default=1024, help="of a pack, MB")
    parser.add_argument("--out", default="results.csv")
    options = parser.parse_args()
    is_faas = options.granularity == "faas"
    executor = lithops.FunctionExecutor(
        runtime_memory=256 if is_faas else options.memory, max_workers=options.workers, log_level="WARNING"
    )
    # Deployed before anything is timed, as with any job but an executor's first.
    executor.get_result(executor.call_async(sleep, 0))
    calls = [options.sleep] * options.workers
    if is_faas:
        futures = executor.map(sleep, calls)
    else:
        futures = map_burst(executor, sleep, calls, granularity=options.granularity, join=options.join)
    invokers = executor.get_result(futures)
    write_statistics(futures, invokers, options.out)
    late = [future.stats["worker_start_tstamp"] - future.stats["host_job_create_tstamp"] for future in futures]
    print(f"{len(late)} workers, started after {min(late):.2f} to {max(late):.2f} s; {options.out}")


if __name__ == "__main__":
    main()
