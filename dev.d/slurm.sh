# shellcheck shell=bash
# ./dev slurm and ./dev soak: Slurm on this machine, and hosts that fail.

cmd_slurm() {
  need_packages build test
  build_preset release gust gust-pack gust-launcher examples bench_workers
  exec /usr/bin/python3 -B dev.d/slurm.py "$@"
}

cmd_soak() {
  need_packages build test
  build_preset release gust gust-pack gust-launcher test_workers
  exec /usr/bin/python3 -B tests/soak_privileged/soak.py "$@"
}
