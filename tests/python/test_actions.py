"""Python actions as OpenWhisk's clients deploy and invoke them: source, archives, what is refused and how."""

import base64
import io
import zipfile

import pytest

BOTH = "def main(args): return {'from': 'main', **args}\ndef work(params, burst): return ['work', params]"


def archive(files, **options):
    """A zip archive in base64."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return base64.b64encode(buffer.getvalue()).decode()


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = 0o120777 << 16
    return entry


@pytest.mark.parametrize("kind", ["python:3", "python:default", "python:3.9", "python:3.11"])
def test_kinds_are_shown_as_the_one_that_there_is(cluster, put, kind):
    assert put("kinds", {"kind": kind, "code": BOTH}).status == 200
    action = cluster.request("GET", "/api/v1/namespaces/_/actions/kinds").json()
    assert action["exec"] == {"kind": "python:3", "binary": False, "code": BOTH}
    assert {"key": "exec", "value": "python:3"} in action["annotations"]


@pytest.mark.parametrize("kind", ["python:2", "python:3.", "python:3.x", "python:4", "python"])
def test_other_kinds_are_refused(put, kind):
    refused = put("kinds", {"kind": kind, "code": BOTH})
    assert refused.status == 400
    assert f'kind "{kind}" does not exist here; the kinds are: cpp:1, python:3' in refused.json()["error"]


def test_a_single_invocation_calls_main(invoke):
    status, record = invoke(BOTH, {"x": 1})
    assert status == 200
    assert record["response"] == {"status": "success", "success": True, "result": {"from": "main", "x": 1}, "size": 21}


def test_exec_main_names_another_function(invoke, put):
    assert invoke("def other(args): return [args]", {"x": 1}, {"main": "other"}, result="true") == (200, [{"x": 1}])
    status, record = invoke(BOTH, exec_={"main": "other"})
    assert status == 502
    assert record["response"]["status"] == "action developer error"
    assert "no function other(args)" in record["response"]["result"]["error"]
    refused = put("named", {"code": BOTH, "main": "a.b()"})
    assert (refused.status, "exec.main is" in refused.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("def main(args): return {'error': 'no such shelf'}", "no such shelf"),
        ("def main(args): return {'error': {'code': 7}, 'more': 1}", {"code": 7}),
        ("def main(args): raise KeyError('shelf')", "KeyError: 'shelf'"),
        ("def main(args): pass", "main() returned NoneType; an invocation's result must be a dict or a list "
                                 "(a burst's may be any JSON value)"),
    ],
)  # fmt: skip
def test_application_errors(invoke, code, error):
    status, record = invoke(code)
    assert status == 502
    assert record["response"]["status"] == "application error"
    assert record["response"]["result"]["error"] == error


def test_a_syntax_error_is_the_developers(invoke):
    status, record = invoke("def main(args:\n  return {}")
    assert status == 502
    assert record["response"]["status"] == "action developer error"
    assert "SyntaxError" in record["response"]["result"]["error"]
    assert any("main__.py" in line and "stderr" in line for line in record["logs"])


def test_an_archive_with_a_package_and_data(invoke):
    code = archive(
        {
            "__main__.py": "from pack.part import read\ndef main(args): return {'read': read()}\n",
            "pack/__init__.py": "",
            "pack/part.py": "import pathlib\n"
            "def read(): return [open('data/text').read(), (pathlib.Path(__file__).parent / 'own').read_text()]\n",
            "pack/own": "its own",
            "data/text": "ü",
        }
    )
    for binary in ({}, {"binary": True}):
        assert invoke(code, exec_=binary, result="true") == (200, {"read": ["ü", "its own"]})


def test_an_archive_reads_back(cluster, put):
    code = archive({"__main__.py": BOTH})
    assert put("packed", {"code": code}).status == 200
    action = cluster.request("GET", "/api/v1/namespaces/_/actions/packed").json()
    assert (action["exec"]["binary"], action["exec"]["code"]) == (True, code)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"main.py": BOTH}, "no __main__.py at its top level"),
        ({"sub/__main__.py": BOTH}, "no __main__.py at its top level"),
        ({"__main__.py": BOTH, "../outside.py": ""}, "'../outside.py', which leads out of it"),
        ({"__main__.py": BOTH, "/etc/outside": ""}, "'/etc/outside', which leads out of it"),
        ({"__main__.py": BOTH, link("passwd"): "/etc/passwd"}, "'passwd' that is a link or a device"),
        ({"__main__.py": BOTH, "zeroes": bytes(20 << 20)}, "it looks like a bomb"),
    ],
)
def test_archives_that_are_refused(put, files, sentence):
    refused = put("refused", {"code": archive(files)})
    assert refused.status in (400, 413)
    assert sentence in refused.json()["error"]


def test_code_that_is_refused(put):
    damaged = base64.b64decode(archive({"__main__.py": BOTH * 100}))[:-60]
    for exec_, sentence in (
        ({"code": base64.b64encode(damaged).decode()}, "it is not a zip archive"),
        ({"code": "no base64 at all", "binary": True}, "not base64"),
        ({"code": "bm8gYXJjaGl2ZQ==", "binary": True}, "archive"),
        ({"code": "x = '\0'"}, "zero bytes"),
        ({"code": BOTH, "binary": "yes"}, "exec.binary"),
        ({}, "exec.code is missing; for python:3 it is source text, or a zip archive"),
    ):
        refused = put("refused", exec_)
        assert refused.status == 400, refused.body
        assert sentence in refused.json()["error"]


def test_deploy_knows_files_by_their_names(cluster, tmp_path):
    source, package = tmp_path / "act.py", tmp_path / "act.zip"
    source.write_text(BOTH)
    package.write_bytes(base64.b64decode(archive({"__main__.py": BOTH})))
    for file in (source, package):
        done = cluster.gust("deploy", "by-name", file)
        assert done.returncode == 0, done.stderr
        done = cluster.gust("flare", "by-name", "--workers", 2, "--param", "7", "--wait")
        assert 'worker 1: ["work",7]' in done.stdout, done.stdout + done.stderr
    other = tmp_path / "act.txt"
    other.write_text("def run(args): return args\n")
    done = cluster.gust("deploy", "by-name", other)
    assert done.returncode == 2, done.stderr
    assert "say it with --kind" in done.stderr
    done = cluster.gust("deploy", "by-name", other, "--kind", "python:3", "--main", "run")
    assert done.returncode == 0, done.stderr
    done = cluster.gust("deploy", "by-name", tmp_path / "act.cc")
    assert "compile it first: gust build" in done.stderr
