# shellcheck shell=bash disable=SC2154 # logs and jobs are lib.sh's
# The Python clients of other systems that tests drive unchanged, in a virtualenv below build/: tests/clients/requirements.txt.

clients=build/clients/python

# Tests that need it are skipped where it cannot be had, which is no reason to fail here.
try_clients() {
  local wanted=tests/clients/requirements.txt
  if [[ -f $clients/installed && ! $wanted -nt $clients/installed ]]; then return; fi
  # Debian's own Python: workers in a sandbox see it, and what is in the virtualenv is for its version.
  if run_logged "install the Python clients" bash -c \
    "rm -rf $clients && /usr/bin/python3 -m venv $clients && $clients/bin/pip install --quiet -r $wanted"; then
    touch "$clients/installed"
  else
    say "what needs Lithops is not tested"
  fi
}
