# shellcheck shell=bash
# ./dev cluster: hosts on one machine.

cmd_cluster() {
  need_packages build test
  build_preset release gust gust-pack gust-launcher examples bench_workers test_workers
  exec /usr/bin/python3 -B dev.d/cluster.py "$@"
}
