"""The requests of wsk, OpenWhisk's command line, against a real cluster over TLS, and whether it could read the answers.

This is not wsk, which could not be had where this was tested. It is a program of this project's own, that sends what
the source of wsk and of its library says that they send, and that decodes the answers into Go types of the same JSON
shape: what would make wsk fail, print nonsense or end with a panic is a failed step.
"""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import zipfile

import pytest

FOLDER = pathlib.Path(__file__).parent

SOURCE = """
import time


def main(args):
    print("called with", sorted(args))
    time.sleep(args.get("seconds", 0))
    if args.get("raise"):
        raise ValueError("as asked")
    if args.get("fail"):
        return {"error": "as asked"}
    if "whole" in args:
        return args["whole"]
    return {"greeting": args.get("greeting", "hello") + " " + args.get("name", "nobody")}
"""

# ActionLoop: a line of JSON for each call, and one for each answer on the third descriptor.
NATIVE = """#!/usr/bin/env python3
import json, sys
for line in sys.stdin:
    with open(3, "w", closefd=False) as out:
        print(json.dumps({"native": json.loads(line)["value"]}), file=out)
"""


def archive(path, **members):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFREG | 0o755) << 16
            file.writestr(entry, content)


class Steps:
    """What each step saw, by the command whose requests it makes."""

    def __init__(self, lines):
        self.lines = {line["step"]: line for line in lines}

    def __getitem__(self, command):
        line = self.lines[command]
        assert "failed" not in line, f"wsk {command}: {line['failed']}"
        return line.get("saw")


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """The program."""
    if shutil.which("go") is None:
        pytest.skip("there is no go")
    program = tmp_path_factory.mktemp("wsk") / "clients_wsk"
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOPROXY": "off"}  # there is nothing to fetch
    built = subprocess.run(
        ["go", "build", "-buildvcs=false", "-o", program, "."],
        cwd=FOLDER,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert built.returncode == 0, built.stderr
    return program


@pytest.fixture(scope="module")
def saw(make_cluster, client, tmp_path_factory):
    folder = tmp_path_factory.mktemp("code")
    (folder / "hello.py").write_text(SOURCE)
    main = "from helper import answer\ndef run(args): return {'answer': answer}\n"
    archive(folder / "code.zip", **{"__main__.py": main, "helper.py": "answer = 42\n"})
    archive(folder / "native.zip", exec=NATIVE)
    runtimes = ("--runtimes", "team/tools=host;openwhisk/dockerskeleton=host")
    with make_cluster(*runtimes, invokers=1, slots=4) as cluster:
        environment = {
            **os.environ,
            "API_HOST": f"127.0.0.1:{cluster.port}",
            "API_PLAIN": f"http://127.0.0.1:{cluster.port}",
            "API_KEY": cluster.key,
            "SSL_CERT_FILE": str(cluster.ca_file),  # whom Go's programs trust
        }
        command = [client, folder / "hello.py", folder / "code.zip", folder / "native.zip"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=180)
        assert done.returncode in (0, 1), done.stderr
        yield Steps(map(json.loads, done.stdout.splitlines()))
        cluster.wait_idle()


def annotations(entity):
    return {entry["key"]: entry["value"] for entry in entity["annotations"]}


def parameters(entity):
    return {entry["key"]: entry["value"] for entry in entity["parameters"]}


def is_refused(answer, status, part):
    assert (answer["verdict"], answer["status"]) == ("refused", status)
    assert part in answer["sentence"]


@pytest.mark.parametrize("how", ["", " --insecure", " --apihost http://…"])
def test_namespaces(saw, how):
    assert saw[f"namespace list{how}"] == ["guest"]


def test_a_key_that_nobody_has(saw):
    is_refused(saw["namespace list --auth not:known"], 401, "the supplied authentication is invalid")


def test_the_build_is_told(saw, gust):
    version = gust("--version").stdout.split()[1]
    assert saw["property get"] == {"build": version, "buildno": version}


def test_create_actions(saw):
    created = saw["action create hello hello.py -p greeting salut -a note … -a kept true"]
    assert (created["namespace"], created["name"], created["version"]) == ("guest", "hello", "0.0.1")
    assert parameters(created) == {"greeting": "salut"}
    assert annotations(created) == {"note": {"a": 1}, "kept": True, "exec": "python:3"}
    is_refused(saw["action create hello, again"], 409, "resource already exists")
    zipped = saw["action create zipped code.zip --kind python:3 --main run -t -m -l -c"]
    assert zipped["exec"] == {"kind": "python:3", "main": "run", "binary": True}
    assert (zipped["limits"]["timeout"], zipped["limits"]["memory"], zipped["limits"]["logs"]) == (10000, 128, 1)
    assert saw["action create image code.zip --docker team/tools"]["exec"]["image"] == "team/tools"
    assert saw["action create native native.zip --native"]["exec"]["kind"] == "blackbox"
    assert saw["action create twin hello --copy"]["parameters"] == created["parameters"]
    assert saw["action create zippedTwin zipped --copy"]["exec"] == zipped["exec"]


def test_what_is_not_here_is_refused_with_a_sentence(saw):
    is_refused(saw["action create absent --docker nobody/nothing"], 400, "'nobody/nothing' is not here")
    is_refused(saw["action create chain --sequence hello,zipped"], 400, '"sequence" does not exist here')
    is_refused(saw["package refresh"], 405, "does not take POST")


def test_get_actions(saw):
    shown = saw["action get hello"]
    assert shown["exec"] == {"kind": "python:3", "binary": False} and shown["publish"] is False
    is_refused(saw["action get nobody"], 404, "no action nobody")
    by_address = saw["action get hello --url"]
    assert by_address["address"] == "/v1/namespaces/guest/actions/hello"
    assert by_address["printed"] == {"greeting": "salut nobody"}
    assert saw["action get hello --save"] == SOURCE
    assert saw["action get zipped --save"] is True


def test_list_actions(saw):
    listed = saw["action list"]
    assert listed == [f"/guest/{name}" for name in ("zippedTwin", "twin", "native", "image", "zipped", "hello")]
    assert saw["action list --limit 1 --skip 1"] == ["/guest/twin"]
    is_refused(saw["action list --limit 201"], 400, "limit=201")


def test_invocations_that_succeed(saw):
    record = saw["action invoke hello -b -p name wsk"]
    assert (record["verdict"], record["printed"]["response"]["result"]) == ("done", {"greeting": "salut wsk"})
    assert record["printed"]["response"]["success"] is True
    results = {
        "hello -r -p name wsk": {"greeting": "salut wsk"},
        "hello -r": {"greeting": "salut nobody"},
        "hello -r -p response …": {"response": {"a": 1}},
        "zipped -r": {"answer": 42},
        "image -r": {"answer": 42},
        "native -r": {"native": {}},
        "twin -r": {"greeting": "salut nobody"},
        "zippedTwin -r": {"answer": 42},
        "/guest/hello -r": {"greeting": "salut nobody"},
    }
    assert {command: saw[f"action invoke {command}"]["printed"] for command in results} == results


def test_an_invocation_with_a_body_of_null(saw):
    answer = saw["action invoke hello -r, with a body of null"]
    assert (answer["verdict"], answer["printed"]) == ("done", {"greeting": "salut nobody"})


def test_invocations_that_fail(saw):
    failed = saw["action invoke hello -b -p fail true"]
    assert (failed["verdict"], failed["status"]) == ("application error", 502)
    assert failed["printed"]["response"]["result"] == {"error": "as asked"}
    assert failed["printed"]["response"]["status"] == "application error"
    assert saw["action invoke hello -r -p fail true"]["printed"] == {"error": "as asked"}
    raised = saw["action invoke hello -b -p raise true"]
    assert raised["verdict"] == "application error"
    assert "as asked" in raised["printed"]["response"]["result"]["error"]
    assert "as asked" in saw["action invoke hello -r -p raise true"]["printed"]["error"]
    is_refused(saw["action invoke nobody"], 404, "no action nobody")
    is_refused(saw["action invoke /other/hello -r"], 403, "not authorized")


def test_a_blocking_invocation_that_is_not_finished_in_time(saw):
    answer = saw["action invoke hello -b, not finished in time"]
    assert (answer["verdict"], answer["status"]) == ("unfinished", 202)


def test_update_actions(saw):
    updated = saw["action update hello -p greeting hey"]
    assert (updated["version"], parameters(updated), updated["exec"]["code"]) == ("0.0.2", {"greeting": "hey"}, SOURCE)
    assert annotations(updated) == {"note": {"a": 1}, "kept": True, "exec": "python:3"}
    assert saw["action update fresh hello.py"]["version"] == "0.0.1"
    assert saw["action update fresh --web true"] == "/v1/web/guest/default/fresh"


def test_updates_keep_annotations_that_are_not_deleted(saw):
    more = saw["action update hello -a more 1"]
    assert annotations(more) == {"note": {"a": 1}, "kept": True, "more": 1, "exec": "python:3"}
    less = saw["action update hello --del-annotation note"]
    assert annotations(less) == {"kept": True, "more": 1, "exec": "python:3"}


def test_activations(saw):
    accepted = saw["action invoke hello -p name later"]
    assert (accepted["verdict"], accepted["status"], list(accepted["printed"])) == ("done", 202, ["activationId"])
    activation = accepted["printed"]["activationId"]
    record = saw["activation get ID"]
    assert (record["activationId"], record["name"], record["subject"]) == (activation, "hello", "guest")
    assert record["response"]["result"] == {"greeting": "hey later"}
    assert annotations(record)["path"] == "guest/hello" and annotations(record)["kind"] == "python:3"
    is_refused(saw["activation get " + "0" * 32], 404, "does not exist, or has not ended yet")
    assert saw["activation logs ID --strip"] == ["called with ['greeting', 'name']"]
    result = saw["activation result ID"]
    assert (result["result"], result["success"], result["status"]) == ({"greeting": "hey later"}, True, "success")


def test_lists_of_activations(saw):
    activation = saw["activation get ID"]["activationId"]
    everything = saw["activation list"]
    assert everything[0] == activation and len(everything) > 10
    assert saw["activation get --last"] == saw["activation list hello --limit 1"] == [activation]
    assert saw["activation list hello --limit 1 --skip 1"][0] in everything[1:]
    assert saw["activation list nobody"] == saw["activation list --upto 1"] == []
    assert saw["activation list --since START"][0] == activation
    assert saw["activation list --since START --upto START"][0] == activation
    (full,) = saw["activation list hello --full --limit 1"]
    assert full["activationId"] == activation and len(full["logs"]) == 1
    assert set(saw["activation list hello, with its statuses"]) == {"0", "1"}
    assert [line.split(": ", 1)[1] for (line,) in saw["activation poll hello"]] == ["called with ['greeting', 'name']"]


def test_packages(saw):
    assert parameters(saw["package create kit -p greeting hey"]) == {"greeting": "hey"}
    is_refused(saw["package create kit, again"], 409, "resource already exists")
    updated = saw["package update kit --shared yes"]
    assert updated["publish"] is True and parameters(updated) == {"greeting": "hey"}
    assert saw["package bind kit bound -p name binding"]["binding"] == {"namespace": "guest", "name": "kit"}
    kit = saw["package get kit"]
    assert [entry["name"] for entry in kit["actions"]] == ["in side"] and kit["binding"] == {}
    bound = saw["package get /guest/bound"]
    assert parameters(bound) == {"greeting": "hey", "name": "binding"}
    assert [entry["name"] for entry in bound["actions"]] == ["in side"]
    assert saw["package list"] == ["/guest/bound", "/guest/kit"]
    assert saw["action list /guest/kit"] == ["/guest/kit/in side"]
    assert saw["action invoke kit/in side -r"]["printed"] == {"greeting": "hey nobody"}
    assert saw["action invoke bound/in side -r"]["printed"] == {"greeting": "hey binding"}
    assert saw["activation list kit/in side"] == 2
    is_refused(saw["package delete kit, with an action"], 409, "Package not empty")
    assert saw["package delete bound, kit"] == "deleted"
    is_refused(saw["package get kit, which is gone"], 404, "kit")


def test_triggers(saw):
    assert saw["trigger create bell"]["name"] == "bell"
    is_refused(saw["trigger create bell, again"], 409, "resource already exists")
    updated = saw["trigger update bell -p name bell -a note x"]
    assert (parameters(updated), annotations(updated)) == ({"name": "bell"}, {"note": "x"})
    is_refused(saw["trigger get nobody"], 404, "no trigger nobody")
    assert saw["trigger fire bell, without a rule"] == {"status": 204, "activationId": ""}
    assert saw["trigger fire bell -p greeting hey"]["status"] == 202 == saw["trigger fire bell"]["status"]
    shown = saw["trigger get bell"]
    assert shown["rules"] == {"guest/on-bell": {"action": {"path": "guest", "name": "hello"}, "status": "active"}}
    assert saw["trigger list"] == ["/guest/bell"]
    record = saw["activation get --last bell"]
    assert (record["name"], record["response"]["success"]) == ("bell", True)
    assert json.loads(record["logs"][0])["rule"] == "guest/on-bell"
    assert saw["trigger delete bell"]["name"] == "bell"


def test_a_trigger_is_fired_with_a_body_of_null(saw):
    assert saw["trigger fire bell, with a body of null"]["status"] == 202


def test_rules(saw):
    created = saw["rule create on-bell bell hello"]
    assert (created["status"], created["trigger"]) == ("active", {"path": "guest", "name": "bell"})
    assert saw["rule update on-bell bell hello"]["version"] == "0.0.2"
    assert saw["rule disable on-bell; rule status on-bell"] == "inactive"
    assert saw["rule enable on-bell; rule status on-bell"] == "active"
    assert saw["rule get on-bell"]["action"] == {"path": "guest", "name": "hello"}
    assert [(entry["name"], entry["status"]) for entry in saw["rule list"]] == [("on-bell", "active")]
    is_refused(saw["rule create none bell nobody"], 400, "no action nobody")
    assert saw["rule delete on-bell --disable"]["verdict"] == "done"
    is_refused(saw["rule get on-bell, which is gone"], 404, "no rule on-bell")


def test_feeds(saw):
    fed = {"lifecycleEvent": "CREATE", "triggerName": "/_/fed"}
    assert saw["trigger create fed --feed hello"]["printed"]["response"]["result"] == fed
    assert annotations(saw["trigger delete fed"]) == {"feed": "/_/hello"}


def test_the_whole_namespace(saw):
    everything = saw["list"]
    assert everything["triggers"] == ["/guest/bell"] and everything["rules"] == ["/guest/on-bell"]
    assert everything["packages"] == ["/guest/bound", "/guest/kit"]
    assert {"/guest/hello", "/guest/kit/in side"} <= set(everything["actions"])


def test_delete_actions(saw):
    for name in ("hello", "zipped", "image", "native", "twin", "zippedTwin", "fresh"):
        assert saw[f"action delete {name}"] == name
    is_refused(saw["action delete hello, again"], 404, "no action hello")
