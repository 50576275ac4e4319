"""A whole worker in Python: parameters in, who and where it is, JSON out.

gust deploy hello-py hello.py && gust flare hello-py --workers 8 --wait
"""


def work(params, burst):
    """Runs once in each worker of a burst."""
    name = (params or {}).get("name", "world")
    print(f"worker {burst.worker_id} greets {name}")
    return {"hello": name, "worker": burst.worker_id, "of": burst.burst_size, "pack": burst.pack_id}


def main(args):
    """Runs for an invocation that is no burst, as in OpenWhisk."""
    return {"hello": args.get("name", "world")}
