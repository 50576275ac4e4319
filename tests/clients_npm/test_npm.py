"""OpenWhisk's client for JavaScript (npm: openwhisk), unchanged, against a real cluster over TLS."""

import io
import json
import os
import pathlib
import shutil
import subprocess
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
MODULE = ROOT / "build/npm_client/node_modules/openwhisk"  # where ./dev installs it

SOURCE = """
def main(args):
    print("called with", sorted(args))
    if args.get("fail"):
        return {"error": "as asked"}
    return {"greeting": args.get("greeting", "hello") + " " + args.get("name", "nobody")}
"""


@pytest.fixture(scope="module")
def seen(make_cluster, tmp_path_factory):
    """What one session of the client saw."""
    if not MODULE.exists() or shutil.which("node") is None:
        pytest.skip(f"{MODULE} has not been installed, or there is no node")
    folder = tmp_path_factory.mktemp("npm")
    (folder / "hello.py").write_text(SOURCE)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("__main__.py", "from helper import answer\ndef main(args): return {'answer': answer}\n")
        file.writestr("helper.py", "answer = 42\n")
    (folder / "code.zip").write_bytes(archive.getvalue())
    with make_cluster(invokers=1, slots=4) as cluster:
        environment = {
            **os.environ,
            "OPENWHISK_MODULE": str(MODULE),
            "API_HOST": f"127.0.0.1:{cluster.port}",
            "API_KEY": cluster.key,
            "NODE_EXTRA_CA_CERTS": str(cluster.ca_file),
        }
        # It would speak to whatever the environment says is a proxy.
        for name in ("proxy", "http_proxy", "https_proxy"):
            environment.pop(name, None)
            environment.pop(name.upper(), None)
        session = ["node", pathlib.Path(__file__).parent / "session.js", folder / "hello.py", folder / "code.zip"]
        done = subprocess.run(session, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)


def test_namespaces(seen):
    assert seen["namespaces"] == ["guest"]


def test_create_update_get_and_list(seen):
    assert seen["created"]["name"] == "from-npm" and seen["created"]["version"] == "0.0.1"
    assert seen["created"]["limits"]["memory"] == 128
    assert seen["existing"]["status"] == 409 and "resource already exists" in seen["existing"]["message"]
    assert seen["updated"]["version"] == "0.0.2"
    assert [entry["name"] for entry in seen["listed"]] == ["zipped", "from-npm"]
    assert seen["listed"][0]["exec"]["binary"] and not seen["listed"][1]["exec"]["binary"]
    assert seen["got"]["exec"]["code"] == SOURCE and seen["got"]["exec"]["kind"] == "python:3"
    assert seen["got"]["parameters"] == [{"key": "greeting", "value": "salut"}]


def test_blocking_invocations(seen):
    assert seen["result"] == {"greeting": "salut npm"}
    assert seen["zippedResult"] == {"answer": 42}
    response = seen["blocking"]["response"]
    assert response["result"] == {"greeting": "salut nobody"}
    assert response["status"] == "success" and response["success"]


def test_an_invocation_that_is_not_waited_for(seen):
    record = seen["record"]
    assert record["response"]["result"] == {"greeting": "salut later"} == seen["activationResult"]["result"]
    assert record["name"] == "from-npm" and record["end"] >= record["start"]
    assert [line.split(": ", 1)[1] for line in seen["logs"]["logs"]] == ["called with ['greeting', 'name']"]
    assert seen["activations"][0]["activationId"] == record["activationId"]
    assert len(seen["activations"]) == 2


def test_errors_have_their_status_and_sentence(seen):
    assert seen["applicationError"]["status"] == 502
    assert seen["applicationError"]["body"]["response"]["result"] == {"error": "as asked"}
    assert seen["badParameters"]["status"] == 400
    assert seen["nobody"]["status"] == 404 == seen["gone"]["status"]
    for name in ("nobody", "gone", "stranger", "badParameters"):
        assert seen[name]["body"]["error"] and seen[name]["body"]["code"]
    assert seen["stranger"]["status"] == 401


def test_delete(seen):
    assert seen["deleted"]["name"] == "from-npm"


def test_packages(seen):
    assert seen["package"]["name"] == "kit" and seen["packageExists"]["status"] == 409
    assert [entry["name"] for entry in seen["packages"]] == ["kit"]
    assert [entry["name"] for entry in seen["packageWithAction"]["actions"]] == ["inside"]
    assert seen["inPackage"] == {"greeting": "hey nobody"}
    assert seen["packageNotEmpty"]["status"] == 409
    assert seen["packageDeleted"]["name"] == "kit"


def test_triggers_and_rules(seen):
    assert [entry["name"] for entry in seen["triggers"]] == ["bell"] and seen["trigger"]["name"] == "bell"
    assert [entry["name"] for entry in seen["rules"]] == ["on-bell"] and seen["rule"]["status"] == "active"
    assert seen["firedRecord"]["name"] == "bell"
    assert seen["startedByRule"]["response"]["result"] == {"greeting": "salut the bell"}
    assert seen["disabled"]["status"] == "inactive" and seen["enabled"]["status"] == "active"
    assert list(seen["triggerWithRule"]["rules"]) == ["guest/on-bell"]
    assert seen["ruleDeleted"]["name"] == "on-bell" and seen["triggerDeleted"]["name"] == "bell"
    assert seen["ruleGone"]["status"] == 404
