# shellcheck shell=bash
# ./dev demo: the start-up experiment, its table and its figures.

# What `gust` ends with when a permission is missing (docs/errors.md).
exit_denied=4

# The value that ARGS give to FLAG, as "FLAG VALUE" or "FLAG=VALUE"; fails when they do not.
flag_value() { # flag_value FLAG ARGS...
  local flag=$1
  shift
  while (($# > 0)); do
    case $1 in
      "$flag") [[ $# -gt 1 ]] && printf '%s' "$2" && return ;;
      "$flag="*) printf '%s' "${1#*=}" && return ;;
    esac
    shift
  done
  return 1
}

cmd_demo() {
  local flags=() flag out
  # The published experiment's shape, unless the user says otherwise.
  local -A defaults=([--workers]=960 [--invokers]=20 [--slots]=48 [--granularity]="1,2,4,6,12,24,48,faas"
    [--sleep]=5 [--driver]=sandbox [--out]=results/$(date +%Y%m%d-%H%M%S))
  for flag in --workers --invokers --slots --granularity --sleep --driver --out; do
    flag_value "$flag" "$@" >/dev/null || flags+=("$flag" "${defaults[$flag]}")
  done
  out=$(flag_value --out "$@" || printf '%s' "${defaults[--out]}")

  need_packages build figures
  build_preset release gust gust-pack gust-launcher examples
  local gust=build/release/bin/gust
  local status=0
  "$gust" bench startup "${flags[@]}" "$@" || status=$?
  if ((status == exit_denied)) && ! flag_value --driver "$@" >/dev/null; then
    say "notice: this machine does not permit sandboxes, for the reason above; with plain processes instead (--driver process)"
    "$gust" bench startup "${flags[@]/sandbox/process}" "$@"
  elif ((status != 0)); then
    return "$status"
  fi
  "$gust" plot startup "$out"/*/ -o "$out/startup.png"
  local files
  mapfile -t files < <(printf '%s\n' "$out"/*/*.csv | sort -V) # granularity 2 before 12
  "$gust" plot simultaneity "${files[@]}" -o "$out/simultaneity.png"
  "$gust" stats "$out"/*/
  say ""
  say "results:  $out"
  say "figures:  $out/startup.png (start-up latencies), $out/simultaneity.png (each worker's life)"
}
