"""What `./dev slurm` runs: a Slurm on this machine, and in it the measurement of docs/slurm.md or another command."""

import argparse
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import own_command  # noqa: E402
import slurm_cluster  # noqa: E402

MEASUREMENT = (
    '{gust} bench startup --endpoint "$GUST_ENDPOINT" --workers {workers} --granularity 1,12,48,faas --sleep 5'
)


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev slurm",
        description="Slurm on this machine: munge, slurmctld and a slurmd for each node, in a temporary folder. Runs"
        " COMMAND, for which sbatch, srun and squeue mean this Slurm; without one, submits the start-up of as many workers"
        " as there are processors, and prints what the job says. All of it is ended at the end.",
        epilog="Example:\n  ./dev slurm 4 --cpus 12 -- sbatch --wait --nodes=4 deploy/slurm/gust.sbatch gust status",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("nodes", nargs="?", type=int, default=20, metavar="N", help="nodes (default: 20)")
    parser.add_argument("--cpus", type=int, default=48, help="processors that each pretends to have (default: 48)")
    chosen = own_command.parse(parser)
    if reason := slurm_cluster.missing():
        parser.error(reason)
    return chosen


def measure(slurm, gust, workers):
    job = slurm.submit("sh", "-c", MEASUREMENT.format(gust=gust, workers=workers))
    while slurm.job(job)["JobState"] in ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING"):
        time.sleep(0.5)
    print(slurm.output_of(job), end="", flush=True)
    return 0 if slurm.job(job)["JobState"] == "COMPLETED" else 1


def main():
    chosen = arguments()
    own_command.end_as_by_ctrl_c()
    gust = ROOT / "build/release/bin/gust"
    with slurm_cluster.SlurmCluster(chosen.nodes, chosen.cpus) as slurm:
        slurm.environment["GUST_BIN"] = str(gust)
        slurm.environment["PATH"] = f"{gust.parent}:{slurm.environment['PATH']}"
        print(f"Slurm with {chosen.nodes} nodes of {chosen.cpus} processors in {slurm.folder}", flush=True)
        if chosen.command:
            environment = {**slurm.environment, "TMPDIR": str(slurm.scratch)}
            return subprocess.run(chosen.command, env=environment, check=False).returncode
        return measure(slurm, gust, chosen.nodes * chosen.cpus)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except (AssertionError, OSError) as error:
        sys.exit(f"./dev slurm: {error}")
