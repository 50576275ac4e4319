#!/bin/bash
# Makes an archive of a small Debian 12 with Python, for `gust image import`, from packages: no registry of images is
# asked. The archive is kept below build/ and made anew when this file changes.
#
#   deploy/images/python.sh           prints the archive's path
#   gust image import python "$(deploy/images/python.sh)"
#
# As root or, where user namespaces are permitted, as an ordinary user. Takes 40 s of a processor.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

suite=bookworm
packages=python3-minimal,libpython3-stdlib,libstdc++6,ca-certificates
version=$(sha256sum "deploy/images/python.sh" | cut -c1-12)
archive=$PWD/build/images/python-$version.tar

if [[ ! -f $archive ]]; then
  command -v mmdebstrap >/dev/null || {
    echo "python.sh: there is no mmdebstrap; install it: apt install mmdebstrap" >&2
    exit 1
  }
  mkdir -p build/images
  exec 9>"build/images/lock"
  flock 9
  if [[ ! -f $archive ]]; then
    trap 'rm -f "$archive.tmp"' EXIT
    # The machine's own package sources, so that mirrors and proxies are those that work here.
    mapfile -t sources < <(grep -hs "^deb .*$suite" /etc/apt/sources.list /etc/apt/sources.list.d/*.list)
    for file in /etc/apt/sources.list.d/*.sources; do
      [[ -f $file ]] && sources+=("$file")
    done
    # shellcheck disable=SC2016 # the hooks' shell expands them
    mmdebstrap --quiet --variant=essential --include="$packages" --format=tar \
      --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
      --dpkgopt='path-exclude=/usr/share/locale/*' \
      --customize-hook='echo "a Debian with Python, for packs" >"$1/etc/gust-image"' \
      --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' \
      "$suite" "$archive.tmp" "${sources[@]}" >&2
    mv "$archive.tmp" "$archive"
  fi
fi
echo "$archive"
