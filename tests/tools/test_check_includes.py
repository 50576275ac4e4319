"""cmake/check_includes.py: what it lets pass, and what it says about the rest."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = "| module | what lives there |\n|---|---|\n| `base` | ground |\n| `packing` | pure |\n| `http` | server |\n"


@pytest.fixture
def tree(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write("src/README.md", TABLE)
    write("src/base/result.h", "#include <string>\n")
    write.root = tmp_path
    return write


def check(root):
    command = [sys.executable, ROOT / "cmake" / "check_includes.py", "--root", root]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout


def test_downward_own_system_and_public_includes_pass(tree):
    tree(
        "src/http/server.cc",
        '#include "http/server.h"\n#include <boost/asio.hpp>\n#include <gust/gust.h>\n'
        '#include "base/result.h"\n#include "packing/packing.h"\n',
    )
    assert check(tree.root) == (0, "")


def test_upward_include_names_place_and_what_is_allowed(tree):
    tree("src/packing/plan.cc", '#include "base/result.h"\n#include "http/server.h"\n')
    status, output = check(tree.root)
    assert status == 1
    assert output.startswith(
        "src/packing/plan.cc:2: packing may not include http/server.h; it may include base, packing "
    )


@pytest.mark.parametrize("name", ["base_test.cc", "base_bench.cc", "inner/deep.h"])
def test_tests_benchmarks_and_subfolders_are_not_exempt(tree, name):
    tree(f"src/base/{name}", '#include "packing/packing.h"\n')
    status, output = check(tree.root)
    assert status == 1
    assert f"src/base/{name}:1" in output


def test_angle_brackets_do_not_hide_a_module(tree):
    tree("src/base/result.h", "#include <http/server.h>\n")
    assert check(tree.root)[0] == 1


def test_include_without_module_is_refused(tree):
    tree("src/base/ids.cc", '#include "ids.h"\n')
    status, output = check(tree.root)
    assert status == 1
    assert 'write "module/header.h"' in output


def test_module_without_row_is_refused(tree):
    tree("src/extra/extra.h", "#include <string>\n")
    status, output = check(tree.root)
    assert status == 1
    assert "src/extra: no row in the table" in output


@pytest.mark.parametrize("name", ["include/gust/worker.h", "examples/hello.cc"])
def test_what_users_compile_does_without_src(tree, name):
    tree(name, '#include <gust/gust.h>\n#include "base/result.h"\n')
    status, output = check(tree.root)
    assert status == 1
    assert f"{name}:2: users do not have base/result.h" in output


@pytest.mark.parametrize(
    "table, complaint", [("nothing\n", "no table"), (TABLE + "| `base` | again |\n", "twice: base")]
)
def test_table_that_cannot_be_the_order_is_refused(tree, table, complaint):
    tree("src/README.md", table)
    status, output = check(tree.root)
    assert status == 1
    assert complaint in output
