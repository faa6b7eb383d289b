"""mypy and pyright, as strict as they can be, read what a user may write, and refuse what is wrong."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parent.parent
CASES = Path(__file__).parent / "typing_cases"
RIGHT = (CASES / "right.py").read_text("utf-8")
WRONG = [line for line in (CASES / "wrong.txt").read_text("utf-8").splitlines() if not line.startswith("#")]

CHECKERS = [
    pytest.param(name, marks=pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"needs {name}"))
    for name in ("mypy", "pyright")
]


def check(checker: str, folder: Path, program: str) -> str:
    """What a type checker has to say about a program."""
    (folder / "program.py").write_text(program, "utf-8")
    # An editable install of the default kind is seen by no type checker: it reads the checkout.
    sources = str(ROOT / ".typing")
    settings = {"typeCheckingMode": "strict", "extraPaths": [sources]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    options = {
        "mypy": ["--strict", "--cache-dir", str(folder / "cache")],
        "pyright": ["--warnings", "--pythonpath", sys.executable],
    }[checker]
    done = subprocess.run(
        [sys.executable, "-m", checker, *options, "program.py"],
        cwd=folder,
        env={**os.environ, "MYPYPATH": sources, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("checker", CHECKERS)
def test_what_a_user_may_write_is_right_and_what_is_wrong_is_refused_line_by_line(checker: str, tmp_path: Path) -> None:
    wrong = [line.replace("wrong", f"wrong{number}") for number, line in enumerate(WRONG)]
    found = check(checker, tmp_path, RIGHT + "\n".join(wrong) + "\n")
    first = len(RIGHT.splitlines()) + 1
    refused = {int(number) for number in re.findall(r"program\.py:(\d+):.*error", found)}
    assert refused == set(range(first, first + len(wrong))), found
