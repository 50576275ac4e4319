# shellcheck shell=bash
# RabbitMQ's benchmark program PerfTest, as bench/peers/perf_test/pom.xml pins it, below build/.

perf_test=build/perf_test

# Without it the part of `./dev peers` that needs it is skipped, and says so.
try_perf_test() {
  local source=bench/peers/perf_test
  if cmp -s $source/pom.xml $perf_test/pom.xml; then return; fi
  if ! command -v mvn >/dev/null || ! command -v java >/dev/null; then
    say "there is no Java with Maven here: nothing is measured beside RabbitMQ's PerfTest"
    return
  fi
  rm -rf $perf_test
  if run_logged "install PerfTest" mvn -q -B -f $source/pom.xml dependency:copy-dependencies \
    -DoutputDirectory="$PWD/$perf_test/jars"; then
    cp $source/pom.xml $perf_test/
  else
    say "nothing is measured beside RabbitMQ's PerfTest"
  fi
}
