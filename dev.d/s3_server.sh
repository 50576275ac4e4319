# shellcheck shell=bash disable=SC2154 # logs and jobs are lib.sh's
# The S3 server that tests run against, from tests/s3_server, with all that building it takes below build/.

s3_server=build/s3_server/s3_server

# Tests that need it are skipped where it cannot be had, which is no reason to fail here.
try_s3_server() {
  local source=tests/s3_server
  if [[ -x $s3_server && ! $source/main.go -nt $s3_server && ! $source/go.sum -nt $s3_server ]]; then return; fi
  if ! command -v go >/dev/null; then
    say "there is no Go here: what needs an S3 server is not tested"
    return
  fi
  run_logged "build the S3 server" env GOCACHE="$PWD/build/s3_server/cache" GOMODCACHE="$PWD/build/s3_server/modules" \
    go build -C "$source" -modcacherw -p "$jobs" -trimpath -ldflags='-s -w' -o "$PWD/$s3_server" . ||
    say "what needs an S3 server is not tested"
}
