# shellcheck shell=bash disable=SC2154 # logs and jobs are lib.sh's
# ./dev lint: every check that needs no run of the code.

cpp_files() { find src include examples tests -name generated -prune -o \( -name '*.cc' -o -name '*.h' \) -print0; }

python_files() { find bench cmake dev.d tests src examples python -name '*.py' -print0; }

shell_files() {
  printf '%s\0' dev .ci/run
  find . \( -path ./build -o -path ./.git -o -path ./results \) -prune -o \( -name '*.sh' -o -name '*.sbatch' \) -print0
}

lint_format() { cpp_files | xargs -0 -r clang-format-19 --dry-run -Werror; }

lint_shell() { shell_files | xargs -0 shellcheck; }

lint_python() {
  python_files | xargs -0 -r /usr/bin/python3 -m pyflakes &&
    python_files | xargs -0 -r /usr/bin/black --check -q --diff
}

# The C++ files that differ from what is published, or that stand beside a header that does.
changed_sources() {
  local base
  base=$(git merge-base HEAD '@{upstream}' 2>/dev/null || git rev-parse HEAD)
  {
    git diff --name-only "$base"
    git ls-files --others --exclude-standard
  } | sed -n 's/\.h$/.cc/; /^src\/.*\.cc$/p' | sort -u | while read -r file; do
    [[ -f $file ]] && printf '%s\n' "$file"
  done
}

# Generated headers must be there before anything that includes them can be read.
prepare_tidy() {
  cmake --preset dev && cmake --build --preset dev --target src/protocol/generated/protocol/control.pb.h \
    src/store/generated/store/sqlite/documents.pb.h
}

# Since release 21 clang-tidy leaves libraries' headers alone, which halves its time; Debian 12 has 19. Pinned, in a
# virtualenv below build/; Debian's where that cannot be had.
tidy_release=22.1.8
tidy=build/tools/clang-tidy-$tidy_release

need_tidy() {
  [[ -x $tidy/bin/clang-tidy ]] && return
  run_logged "install clang-tidy $tidy_release" bash -c "rm -rf $tidy && /usr/bin/python3 -m venv $tidy &&
    $tidy/bin/pip install --quiet clang-tidy==$tidy_release || { rm -rf $tidy; false; }" ||
    say "Debian's clang-tidy is used instead, which takes twice the time"
}

lint_tidy() { # lint_tidy FILE...
  local program=$tidy/bin/clang-tidy
  [[ -x $program ]] || program=clang-tidy-19
  /usr/bin/python3 dev.d/tidy.py "$program" build/dev "$@"
}

# Tests and benchmarks only where they changed: they are a third of the files, and the time is mostly that of reading
# libraries' headers.
cmd_lint() {
  local files
  mapfile -t files < <(find src -name '*.cc' ! -name '*_test.cc' ! -name '*_bench.cc' -printf '%p\n')
  case ${1:-} in
    '') ;;
    --changed) mapfile -t files < <(changed_sources) ;;
    *) die "lint knows --changed only, not '$1'" ;;
  esac
  need_packages build clang lint
  run_logged "lint format" lint_format
  run_logged "lint includes" /usr/bin/python3 cmake/check_includes.py
  run_logged "lint text" /usr/bin/python3 dev.d/check_text.py
  run_logged "lint shell" lint_shell
  run_logged "lint python" lint_python
  ((${#files[@]} > 0)) || return 0
  need_tidy
  run_logged "lint prepare" prepare_tidy
  run_logged "lint tidy" lint_tidy "${files[@]}"
}
