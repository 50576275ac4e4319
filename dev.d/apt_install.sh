#!/bin/sh
# Installs Debian packages without starting the servers among them: tests start their own. As root.
#   apt_install.sh PACKAGE...
set -eu
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "$@"
# Nor when the machine starts again.
for package; do
  case $package in
    redis-server | rabbitmq-server | munge | slurmctld | slurmd) systemctl disable "$package" >/dev/null 2>&1 || true ;;
  esac
done
