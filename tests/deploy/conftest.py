"""The chart, helm and the validator of manifests, as ./dev test has made them."""

import pathlib
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build/chart_tools"
CHART = ROOT / "deploy/helm/gust"
VALUES = {
    "defaults": None,
    **{path.stem: path for path in sorted((ROOT / "tests/deploy/values").glob("*.yaml"))},
    "eks": ROOT / "deploy/eks/values.yaml",
}


class Helm:
    """Runs helm on the chart."""

    def __init__(self, program):
        self.program = program

    def run(self, *arguments):
        return subprocess.run(
            [self.program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
        )

    def template(self, values=None, *flags, kubernetes="1.33.0"):
        given = ["--values", values] if values else []
        return self.run("template", "lab", CHART, "--kube-version", kubernetes, *given, *flags)

    def objects(self, values=None, *flags):
        """What it would create, by kind and name."""
        done = self.template(values, *flags)
        assert done.returncode == 0, done.stderr
        return {(made["kind"], made["metadata"]["name"]): made for made in yaml.safe_load_all(done.stdout) if made}


@pytest.fixture(scope="session")
def helm():
    program = TOOLS / "helm"
    if not program.exists():
        program = shutil.which("helm")
    if program is None:
        pytest.skip("there is no helm, and ./dev test could not build it")
    return Helm(program)


@pytest.fixture(scope="session")
def validate():
    """Fails for a file with a manifest that Kubernetes of a version would refuse, unknown fields included."""
    program = TOOLS / "python/bin/kubernetes-validate"
    if not program.exists():
        pytest.skip("kubernetes-validate is not there, and ./dev test could not install it")

    def check(manifests, version):
        return subprocess.run(
            [program, "-k", version, "--strict", manifests], capture_output=True, text=True, check=False
        )

    return check


@pytest.fixture(params=VALUES)
def values(request):
    """A file of values, or None for the chart's own."""
    return VALUES[request.param]
