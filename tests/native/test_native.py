"""Executables as actions (kind native): ELF, script and zip archive, single and in bursts, in sandboxes and outside."""

import base64
import io
import json
import stat
import subprocess
import zipfile

import pytest

# Answers with what it was told, and a line of its log.
SCRIPT = """#!/usr/bin/env python3
import json, os, sys
for line in sys.stdin:
    told = json.loads(line)
    print("asked for", told["action_name"], flush=True)
    entries = told["value"] if "burst_info" in told else [told["value"]]
    answers = [{"param": entry, "told": {k: v for k, v in told.items() if k != "value"}} for entry in entries]
    with open(3, "w", closefd=False) as out:
        print(json.dumps(answers if "burst_info" in told else answers[0]), file=out)
"""

# The same contract in C, for an ELF file: an array of as many numbers as there are commas in the request's value.
PROGRAM = r"""
#include <stdio.h>
#include <string.h>
int main(void) {
  static char line[1 << 16];
  FILE* out = fdopen(3, "w");
  while (fgets(line, sizeof line, stdin)) {
    int entries = 1;
    for (char* c = strchr(line, '['); *c != ']'; ++c) entries += *c == ',';
    fprintf(stderr, "%d entries\n", entries);
    for (int i = 0; i < entries; ++i) fprintf(out, "%c%d", i ? ',' : '[', i * i);
    fprintf(out, "]\n");
    fflush(out);
  }
}
"""


@pytest.fixture(scope="module", params=["sandbox", "process"])
def cluster(request, make_cluster):
    with make_cluster("--driver", request.param, invokers=2, slots=16) as cluster:
        yield cluster
        cluster.wait_idle()


@pytest.fixture
def put(cluster):
    """Stores an executable as OpenWhisk's clients do."""

    def put(code, **exec_):
        body = {"exec": {"kind": "native", "code": code, **exec_}}
        return cluster.request("PUT", "/api/v1/namespaces/_/actions/program?overwrite=true", body)

    return put


def archive(files):
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w", zipfile.ZIP_DEFLATED) as file:
        for name, (content, mode) in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFREG | mode) << 16
            file.writestr(entry, content)
    return base64.b64encode(text.getvalue()).decode()


def run(cluster, params, **query):
    ended = cluster.wait_ended(cluster.flare("program", params, **query))
    return ended, [worker["result"] for worker in ended["workers"]]


def invoke(cluster, args):
    answer = cluster.request("POST", "/api/v1/namespaces/_/actions/program?blocking=true", args)
    return answer.status, answer.json()


def test_a_script_runs_each_pack_of_a_burst(cluster, put):
    assert put(SCRIPT).status == 200
    params = [{"index": i} for i in range(20)]
    ended, results = run(cluster, params, granularity=8)
    assert ended["state"] == "succeeded", ended["cause"]
    assert [result["param"] for result in results] == params
    packs = [[0, 7], [8, 15], [16, 19]]
    assert [result["told"]["burst_info"]["pack"] for result in results] == [packs[i // 8] for i in range(20)]
    told = results[19]["told"]
    assert told["burst_info"]["size"] == 20 and told["middleware"] == "tcp"
    assert told["activation_id"] == ended["activations"][2]["id"] and told["transaction_id"] == ended["id"]
    assert told["namespace"] == "guest" and told["action_name"] == "/guest/program"
    assert told["action_version"] == "0.0.1" or told["action_version"]
    for activation in ended["activations"]:
        answer = cluster.request("GET", f"/api/v1/namespaces/_/activations/{activation['id']}/logs").json()
        assert [line.split(" ", 1)[1] for line in answer["logs"]] == ["stdout: asked for /guest/program"]


def test_a_single_invocation_is_openwhisks(cluster, put):
    assert put(SCRIPT).status == 200
    status, record = invoke(cluster, {"name": "you"})
    assert status == 200 and record["response"]["result"]["param"] == {"name": "you"}
    assert "burst_info" not in record["response"]["result"]["told"]
    assert next(entry["value"] for entry in record["annotations"] if entry["key"] == "kind") == "native"


def test_an_error_of_the_program_is_an_application_error(cluster, put):
    assert put('#!/bin/sh\nread line\necho \'{"error": "no"}\' >&3\n').status == 200
    status, record = invoke(cluster, {})
    assert status == 502
    assert record["response"]["status"] == "application error" and record["response"]["result"] == {"error": "no"}


def test_an_elf_file_from_the_command_line(cluster, tmp_path):
    source, program = tmp_path / "program.c", tmp_path / "program"
    source.write_text(PROGRAM)
    subprocess.run(["cc", "-O1", "-o", program, source], check=True)
    cluster.deploy("program", program, "--kind", "native")
    ended, results = run(cluster, [{}] * 6, granularity=3)
    assert ended["state"] == "succeeded", ended["cause"]
    assert results == [0, 1, 4, 0, 1, 4]


def test_an_archive_brings_files_along(cluster, put):
    script = '#!/bin/sh\nread line\necho "[\\"$(cat data/greeting) $(./tools/helper)\\"]" >&3\n'
    helper = "#!/bin/sh\necho helped\n"
    code = archive({"exec": (script, 0o644), "data/greeting": ("hello", 0o600), "tools/helper": (helper, 0o755)})
    stored = put(code)
    assert stored.status == 200 and stored.json()["exec"]["binary"]
    ended, results = run(cluster, [{}])
    assert ended["state"] == "succeeded", ended["cause"]
    assert results == ["hello helped"]


def test_results_that_are_not_json_are_errors_of_their_workers(cluster, put):
    assert put("#!/bin/sh\nread line\necho '[1, nonsense, 3]' >&3\n").status == 200
    ended, results = run(cluster, [{}] * 3)
    assert ended["state"] == "succeeded"
    assert results[0] == 1 and results[2] == 3 and "JSON" in results[1]["error"]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo '[1]' >&3", "the executable's answer has 1 entries; the pack has 2 workers, and each needs one"),
        ("echo 'nonsense' >&3", "it must be a JSON array in one line"),
        ("echo said >&2; exit 3", "the executable ended with exit code 3 before it answered on descriptor 3"),
    ],
)
def test_answers_that_break_the_contract_fail_the_flare(cluster, put, script, sentence):
    assert put(f"#!/bin/sh\n{script}\n").status == 200
    ended, _ = run(cluster, [{}] * 2)
    assert ended["state"] == "failed" and sentence in ended["cause"]["message"]


def test_a_crash_and_a_time_limit(cluster, put):
    assert put("#!/bin/sh\nkill -SEGV $$\n").status == 200
    ended, _ = run(cluster, [{}] * 2)
    assert ended["state"] == "failed" and "SIGSEGV" in ended["cause"]["message"]
    body = {"exec": {"kind": "native", "code": "#!/bin/sh\nexec sleep 600\n"}, "limits": {"timeout": 300}}
    assert cluster.request("PUT", "/api/v1/namespaces/_/actions/program?overwrite=true", body).status == 200
    ended, _ = run(cluster, [{}] * 2)
    assert ended["state"] == "timed_out"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("print('hello')", "not base64"),
        (base64.b64encode(b"print('hello')").decode(), "begins neither as an ELF file nor with #!"),
        (archive({"main": ("#!/bin/sh", 0o755)}), "no exec at its top level"),
        (archive({"exec": ("#!/bin/sh", 0o755), "../out": ("x", 0o644)}), "leads out of it"),
        (base64.b64encode(base64.b64decode(archive({"exec": ("#!/bin/sh", 0o755)}))[:-20]).decode(), "zip archive"),
    ],
)
def test_what_is_refused_when_it_is_deployed(put, code, sentence):
    answer = put(code)
    assert answer.status == 400 and sentence in answer.json()["error"], answer.body


def test_the_stored_script_comes_back_as_it_was(cluster, put):
    assert put(SCRIPT).status == 200
    entity = cluster.request("GET", "/api/v1/namespaces/_/actions/program").json()
    assert entity["exec"]["code"] == SCRIPT and entity["exec"]["kind"] == "native"
    assert json.dumps(entity["annotations"]).count("native") == 1
