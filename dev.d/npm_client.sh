# shellcheck shell=bash
# OpenWhisk's client for JavaScript, as tests/clients_npm pins it, below build/.

npm_client=build/npm_client

# Tests that need it are skipped where it cannot be had, which is no reason to fail here.
try_npm_client() {
  local source=tests/clients_npm
  if cmp -s $source/package-lock.json $npm_client/node_modules/.installed; then return; fi
  if ! command -v npm >/dev/null; then
    say "there is no npm here: OpenWhisk's client for JavaScript is not tested"
    return
  fi
  mkdir -p $npm_client
  cp $source/package.json $source/package-lock.json $npm_client/
  if run_logged "install the npm client" npm ci --prefix $npm_client --no-audit --no-fund --ignore-scripts; then
    cp $source/package-lock.json $npm_client/node_modules/.installed
  else
    say "OpenWhisk's client for JavaScript is not tested"
  fi
}
