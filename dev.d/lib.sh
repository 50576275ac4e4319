# shellcheck shell=bash
# What all commands of ./dev share: messages, quiet runs with a log, packages, builds.

logs=build/logs
jobs=$(nproc)

say() { printf '%s\n' "$*" >&2; }

die() {
  say "dev: $*"
  exit 1
}

# A line that shows that a long command lives: always fresh on a terminal, once a minute elsewhere.
watch_log() { # watch_log NAME LOG
  local name=$1 log=$2 start=$SECONDS
  while sleep 1 && kill -0 $$ 2>/dev/null; do
    if [[ -t 2 ]]; then
      printf '\r\e[K%s: %d s  %.60s' "$name" $((SECONDS - start)) "$(tail -n 1 "$log" | tr -cd '[:print:]')" >&2
    elif (((SECONDS - start) % 60 == 0)); then
      say "$name: still running after $((SECONDS - start)) s"
    fi
  done
}

log_of() { printf '%s' "$logs/${1//[^a-zA-Z0-9]/-}.log"; } # log_of NAME

# Runs a command with its output in a log; shows the end of the log when it fails.
run_logged() { # run_logged NAME COMMAND...
  local name=$1 log start=$SECONDS status=0 watcher
  log=$(log_of "$name")
  shift
  mkdir -p "$logs"
  : >"$log"
  watch_log "$name" "$log" &
  watcher=$!
  "$@" >"$log" 2>&1 </dev/null || status=$?
  kill "$watcher" 2>/dev/null
  wait "$watcher" 2>/dev/null || true
  [[ -t 2 ]] && printf '\r\e[K' >&2
  if ((status != 0)); then
    tail -n 40 "$log" >&2
    say "$name: failed (exit $status) after $((SECONDS - start)) s; the whole log: $log"
    return "$status"
  fi
  say "$name: $((SECONDS - start)) s"
}

packages_of() { # packages_of SECTION...
  local section='' line
  while read -r line; do
    case $line in
      '' | '#'*) ;;
      '['*']') section=${line:1:-1} ;;
      *) [[ " $* " == *" $section "* ]] && printf '%s\n' "$line" ;;
    esac
  done <dev.d/packages.txt
}

missing_packages() { # missing_packages SECTION...
  local installed
  # shellcheck disable=SC2016 # dpkg's own variables
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n')
  packages_of "$@" | while read -r package; do
    grep -qxF "installed $package" <<<"$installed" || printf '%s\n' "$package"
  done
}

# Installs what is missing; touches apt only when something is.
need_packages() { # need_packages SECTION...
  command -v dpkg-query >/dev/null || die "this is no Debian; install what dev.d/packages.txt names, then use CMake's presets"
  local missing as_root=()
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} > 0)) || return 0
  local line="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null || ! sudo -v; then
      say "dev: packages are missing and this user may not install them; as root, run:"
      say "$line"
      exit 1
    fi
    as_root=(sudo)
  fi
  run_logged "apt update" "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=600 update
  run_logged "apt install ${#missing[@]} packages" "${as_root[@]}" sh dev.d/apt_install.sh "${missing[@]}"
}

build_preset() { # build_preset PRESET [TARGET...]
  local preset=$1
  shift
  run_logged "configure $preset" cmake --preset "$preset"
  run_logged "build $preset" cmake --build --preset "$preset" --parallel "$jobs" ${1:+--target "$@"}
}
