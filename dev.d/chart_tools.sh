# shellcheck shell=bash disable=SC2154 # logs and jobs are lib.sh's
# What the chart is tested with: helm, from its source (tests/helm), and kubernetes-validate, which carries Kubernetes'
# schemas. Both stand below build/; what Go compiles goes to the user's own cache, as it takes minutes the first time.

chart_tools=build/chart_tools

# Tests that need them are skipped where they cannot be had, which is no reason to fail here.
try_chart_tools() {
  if [[ ! -x $chart_tools/helm || tests/helm/go.sum -nt $chart_tools/helm ]]; then
    if command -v go >/dev/null; then
      run_logged "build helm" go build -C tests/helm -p "$jobs" -trimpath -ldflags='-s -w' -o "$PWD/$chart_tools/helm" \
        helm.sh/helm/v3/cmd/helm || say "the chart is not tested"
    else
      say "there is no Go here: the chart is not tested"
    fi
  fi
  if [[ ! -x $chart_tools/python/bin/kubernetes-validate ]]; then
    run_logged "install kubernetes-validate" sh -c "/usr/bin/python3 -m venv $chart_tools/python &&
      $chart_tools/python/bin/pip install -q kubernetes-validate==1.37.0" || say "manifests are not validated"
  fi
}
