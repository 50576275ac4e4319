# shellcheck shell=bash
# ./dev slurm: Slurm on this machine.

cmd_slurm() {
  need_packages build test
  build_preset release gust gust-pack gust-launcher examples bench_workers
  exec /usr/bin/python3 -B dev.d/slurm.py "$@"
}
