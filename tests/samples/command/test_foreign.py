"""What others write to the descriptor of standard error is kept, and what Python writes comes out."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from penstock.samples.command.foreign import foreign_lines_kept


def test_what_is_written_to_the_descriptor_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    with foreign_lines_kept() as kept:
        os.write(2, b"TIFFReadDirectory: Warning\n\xff\n\n")
        print("ours", file=sys.stderr)
        subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write('theirs')"], check=True)
    os.write(2, b"after\n")
    assert kept.lines == ["TIFFReadDirectory: Warning", r"\xff", "theirs"]
    err = capfd.readouterr().err
    assert "ours\n" in err
    assert err.endswith("after\n")
    assert "TIFF" not in err


def test_what_was_kept_is_said_in_one_line() -> None:
    with foreign_lines_kept() as kept:
        pass
    assert str(kept) == ""
    kept.lines += ["a"]
    assert str(kept) == "a library wrote: a"
    kept.lines += ["a", "b", "c", "d"]
    assert str(kept) == "libraries wrote 5 lines, such as: a | b | c"


PROGRAM = """
import os, sys
from penstock.samples.command.foreign import foreign_lines_kept
if sys.argv[1:]:
    os.close(2)
with foreign_lines_kept() as kept:
    os.write(2, b"theirs\\n") if not sys.argv[1:] else None
    print("ours", file=sys.stderr)
print("more of ours", file=sys.stderr)
print(kept.lines)
"""


def test_a_program_says_its_own_and_keeps_the_rest() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("['theirs']\n", "ours\nmore of ours\n")


def test_without_standard_error_there_is_nothing_to_keep() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, "closed"], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stdout
