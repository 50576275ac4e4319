# shellcheck shell=bash
# ./dev ci: every stage that a change must pass, in the order in which failures are cheapest to learn of.

durations=()

stage() { # stage NAME COMMAND...
  local name=$1 start=$SECONDS
  shift
  run_logged "ci $name" "$@"
  durations+=("$(printf '%6d s  %s' $((SECONDS - start)) "$name")")
}

# The summary that ctest wrote at the end of its output.
ctest_summary() { # ctest_summary LOG
  sed -n '/tests passed, /,$p' "$1"
}

cmd_ci() {
  local commands command test_log=''
  exec </dev/null
  need_packages build figures test clang lint
  stage lint ./dev lint
  stage "build release" ./dev build release
  # What the README tells newcomers to type, and the whole test run in any case.
  mapfile -t commands < <(/usr/bin/python3 dev.d/readme_commands.py README.md)
  [[ " ${commands[*]} " == *" ./dev test "* ]] || commands+=("./dev test")
  for command in "${commands[@]}"; do
    stage "$command" bash -c "$command"
    [[ $command == "./dev test"* ]] && test_log=$(log_of "ci $command")
  done
  # The modules that handle memory by hand, bytes of strangers, or many threads: all of them would take an hour.
  stage "address sanitizer" ./dev test --preset asan \
    base,message,protocol,protocol_control,worker,pack,container,invoker,controller,http,openwhisk,store
  stage "thread sanitizer" ./dev test --preset tsan base,message,protocol_control
  # Burst sizes and packings over all transports.
  stage "thread sanitizer, transports" env GTEST_FILTER='*Conformance.*' ./dev test --preset tsan transport
  say ""
  printf '%s\n' "${durations[@]}" >&2
  printf '%6d s  in all\n\n' "$SECONDS" >&2
  ctest_summary "$test_log"
}
