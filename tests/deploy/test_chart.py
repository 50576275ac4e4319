"""The Helm chart: what it creates is valid, asks for no right that it does not use, and fits the program it runs."""

import base64
import os
import shutil
import subprocess

import pytest
import yaml

from conftest import CHART, ROOT, VALUES


def containers(objects):
    """Name of the part, pod and container of each."""
    for (kind, _), made in objects.items():
        if kind in ("Deployment", "DaemonSet"):
            pod = made["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            yield container["name"], pod, container


def environment(container, secrets):
    """As Kubernetes would set it: {name: value}."""
    found = {}
    for entry in container["env"]:
        source = entry.get("valueFrom", {})
        if "secretKeyRef" in source:
            found[entry["name"]] = secrets[source["secretKeyRef"]["key"]]
        elif "fieldRef" in source:
            found[entry["name"]] = {"spec.nodeName": "node-7"}[source["fieldRef"]["fieldPath"]]
        else:
            found[entry["name"]] = entry["value"]
    return found


def test_lint(helm, values):
    done = helm.run("lint", "--strict", CHART, *(["--values", values] if values else []))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", ["1.25", "1.33", "1.37"])
def test_manifests_are_valid(helm, values, validate, tmp_path, version):
    done = helm.template(values, kubernetes=f"{version}.0")
    assert done.returncode == 0, done.stderr
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(done.stdout)
    checked = validate(manifests, version)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_validator_finds_a_wrong_manifest(helm, validate, tmp_path):
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(helm.template().stdout.replace("hostPath: {", "hostPath: { readOnly: true,"))
    assert validate(manifests, "1.33").returncode != 0


def test_least_rights(helm, values):
    """No rights in Kubernetes, no token; the controller is nobody."""
    objects = helm.objects(values)
    assert not {kind for kind, _ in objects} & {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}
    accounts = [made for (kind, _), made in objects.items() if kind == "ServiceAccount"]
    assert len(accounts) == 2
    assert all(account["automountServiceAccountToken"] is False for account in accounts)
    for name, pod, container in containers(objects):
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        if name == "controller":
            assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
            security = container["securityContext"]
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]


def test_parts_find_each_other(helm, values):
    """Selectors select, ports have the names that others use, volumes and secrets exist."""
    objects = helm.objects(values)
    pods = {name: (pod, container) for name, pod, container in containers(objects)}
    labels = {}
    for (kind, _), made in objects.items():
        if kind in ("Deployment", "DaemonSet"):
            template = made["spec"]["template"]["metadata"]["labels"]
            assert made["spec"]["selector"]["matchLabels"] == template
            labels[template["app.kubernetes.io/component"]] = template
    ports = {port["name"] for port in pods["controller"][1]["ports"]}
    for (kind, name), made in objects.items():
        if kind == "Service":
            assert made["spec"]["selector"] == labels["controller"]
            assert all(port["targetPort"] in ports for port in made["spec"]["ports"])
        if kind == "PodDisruptionBudget":
            assert made["spec"]["selector"]["matchLabels"] == labels["controller"]
        if kind == "NetworkPolicy":
            assert made["spec"]["podSelector"]["matchLabels"] in labels.values(), name
    controller = environment(pods["invoker"][1], dict.fromkeys(["join-token"], ""))["GUST_CONTROLLER"]
    assert ("Service", controller.removesuffix(":3234")) in objects
    for _, pod, container in containers(objects):
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        for volume in pod["volumes"]:
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            assert claim in (None, "kept") or ("PersistentVolumeClaim", claim) in objects
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert pods["controller"][1][probe]["httpGet"]["port"] in ports
    status = {port["name"]: port["containerPort"] for port in pods["invoker"][1]["ports"]}
    assert pods["invoker"][1]["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "status"}
    given = environment(pods["invoker"][1], dict.fromkeys(["join-token"], ""))
    assert given["GUST_STATUS_LISTEN"].endswith(f":{status['status']}")


def test_the_program_understands_its_environment(helm, gust_bin, values, tmp_path):
    """gust itself reads what each container is given."""
    secrets = {"api-key": "me:0123456789abcdef", "join-token": "0123456789abcdef", "redis": "redis://host",
               "rabbitmq": "amqp://host/", "s3": "s3://a:b@host/c"}  # fmt: skip
    for name, _, container in containers(helm.objects(values)):
        given = environment(container, secrets)
        done = subprocess.run([gust_bin, "config"], env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **given},
                              capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == 0, f"{name}: {done.stderr}"
        settings = {"GUST_" + line.split("=")[0].strip().upper() for line in done.stdout.splitlines() if "=" in line}
        assert set(given) <= settings, f"{name}: gust config does not know {set(given) - settings}"


def test_secrets_are_made_once_for_both(helm):
    """Random where none is given, as given otherwise."""
    made = [helm.objects()[("Secret", "lab-gust-secrets")]["data"] for _ in range(2)]
    key, token = (base64.b64decode(made[0][name]).decode() for name in ("api-key", "join-token"))
    assert key.startswith("guest:") and len(key) >= 37 and len(token) >= 32
    assert made[0] != made[1]
    own = helm.objects(VALUES["plain_ingress"])[("Secret", "lab-gust-secrets")]["data"]
    assert base64.b64decode(own["api-key"]) == b"me:0123456789abcdef"
    assert not [kind for kind, _ in helm.objects(VALUES["everything"]) if kind == "Secret"]


def test_eks_nodes_are_those_that_the_chart_looks_for(helm):
    groups = {
        group["name"]: group
        for group in yaml.safe_load((ROOT / "deploy/eks/cluster.yaml").read_text())["managedNodeGroups"]
    }
    pods = {name: (pod, container) for name, pod, container in containers(helm.objects(VALUES["eks"]))}
    assert pods["controller"][0]["nodeSelector"].items() <= groups["control"]["labels"].items()
    invoker, container = pods["invoker"]
    assert invoker["nodeSelector"].items() <= groups["invokers"]["labels"].items()
    (taint,) = groups["invokers"]["taints"]
    assert any(taint.items() <= toleration.items() for toleration in invoker["tolerations"])
    slots = int(environment(container, {"join-token": ""})["GUST_SLOTS"])
    assert slots * groups["invokers"]["desiredCapacity"] == 960


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--set", "invoker.slots=many"], "at '/invoker/slots': got string, want integer"),
        (["--set", "invoker.slots=-1"], "at '/invoker/slots': minimum: got -1, want 0"),
        (["--set", "invoker.slot=4"], "at '/invoker': additional properties 'slot' not allowed"),
        (["--set", "invoker.driver=docker"], "at '/invoker/driver': value must be one of 'sandbox', 'oci', 'process'"),
        (["--set", "invoker.memory=lots"], "at '/invoker/memory': 'lots' does not match pattern"),
        (["--set", "invoker.nodeSelector=null"], "at '/invoker': missing property 'nodeSelector'"),
        (["--set", "invoker.imageDirectory=images"], "at '/invoker/imageDirectory': 'images' does not match pattern '^/.+'"),
        (["--set", "controller.invokerSilence=3 seconds"], "at '/controller/invokerSilence': '3 seconds' does not match pattern"),
        (["--set", "controller.replicas=2"], "at '/controller': additional properties 'replicas' not allowed"),
        (["--set", "controller.logLevel=loud"], "at '/controller/logLevel': value must be one of"),
        (["--set-string", "secrets.apiKey=short"], "at '/secrets/apiKey': 'short' does not match pattern"),
        (["--set", "service.port=70000"], "at '/service/port': maximum: got 70,000, want 65,535"),
        (["--set", "ingress.enabled=true"], "ingress.enabled is true, and ingress.host is empty: set it to"),
        (["--set", "invoker.slots=2,invoker.prewarm=4"], "invoker.prewarm 4 is more than the 2 of invoker.slots"),
        (["--set", "invoker.slots=2,invoker.prewarmPython=3"], "invoker.prewarmPython 3 is more than the 2 of invoker.slots"),
        (["--set", "networkPolicy.invokerDenied={metadata}"], "at '/networkPolicy/invokerDenied/0': 'metadata' does not match"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused(helm, flags, said):
    done = helm.template(None, *flags)
    assert done.returncode != 0
    assert said in done.stderr


def test_old_kubernetes_is_refused(helm):
    done = helm.template(kubernetes="1.24.0")
    assert done.returncode != 0 and "requires kubeVersion: >=1.25" in done.stderr


@pytest.mark.parametrize(
    ("values", "fragments"),
    [
        ("defaults", ["gust-role=invoker", "secret -n default lab-gust-secrets", "service/lab-gust 3233:3233"]),
        ("bare", ["WARNING: controller.persistence.enabled", "WARNING: invoker.driver is process"]),
        ("plain_ingress", ["WARNING: the Ingress has no certificate"]),
        (
            "everything",
            ["service/lab-gust 3233:443", "secret -n default gust-keys", "secret -n default gust-certificate"],
        ),
    ],
)
def test_notes(helm, tmp_path, values, fragments):
    # helm shows notes only of what it installs, so they become a manifest.
    chart = shutil.copytree(CHART, tmp_path / "gust")
    (chart / "templates/NOTES.txt").rename(chart / "notes.txt")
    (chart / "templates/notes.yaml").write_text('notes: {{ tpl (.Files.Get "notes.txt") . | quote }}')
    given = ["--values", VALUES[values]] if VALUES[values] else []
    done = helm.run("template", "lab", chart, "--kube-version", "1.33.0", "--show-only", "templates/notes.yaml", *given)
    assert done.returncode == 0, done.stderr
    notes = yaml.safe_load(done.stdout)["notes"]
    for fragment in fragments:
        assert fragment in notes
