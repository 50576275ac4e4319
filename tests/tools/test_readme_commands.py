"""dev.d/readme_commands.py: the commands that CI takes from the README."""

import pathlib
import subprocess
import sys

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "dev.d" / "readme_commands.py"

README = """
```sh
not for ci
```
```sh ci
# the figure
./dev demo     # a minute

$ ./dev test
```
text
```
neither this
```
"""


def commands(path):
    run = subprocess.run([sys.executable, SCRIPT, path], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def test_only_marked_blocks_without_comments(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(README)
    assert commands(path) == ["./dev demo", "./dev test"]


def test_absent_file_has_no_commands(tmp_path):
    assert not commands(tmp_path / "README.md")
