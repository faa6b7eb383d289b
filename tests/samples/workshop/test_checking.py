"""A check in a process of its own: whatever a learner's file does, there is a verdict, in time, and nothing is left."""

import os
import sys
import time
from pathlib import Path

import pytest

from penstock.samples.workshop import checking
from penstock.samples.workshop.checking import check_file
from penstock.samples.workshop.exercise import find_exercise
from penstock.samples.workshop.verdict import Outcome, Verdict


def check(folder: Path, text: str, seconds: float = 20.0) -> Verdict:
    exercise = find_exercise(1)
    assert exercise is not None
    path = folder / exercise.file_name
    path.write_text(text, "utf-8")
    return check_file(exercise, path, seconds)


def solution(old: str = "", new: str = "") -> str:
    exercise = find_exercise(1)
    assert exercise is not None
    assert old in exercise.solution()
    return exercise.solution().replace(old, new, 1) if old else exercise.solution()


def test_a_right_answer_is_accepted(tmp_path: Path) -> None:
    verdict = check(tmp_path, "print('hello ä')\n" + solution())
    assert verdict.outcome is Outcome.SOLVED, verdict
    assert verdict.printed == "hello ä\n"
    assert os.listdir(tmp_path) == ["01_own_stage.py"]


def test_the_folder_may_be_named_by_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert check(Path("mine"), solution()).outcome is Outcome.SOLVED


def test_a_loop_that_never_waits_is_stopped_and_its_line_is_named(tmp_path: Path) -> None:
    verdict = check(tmp_path, solution('before = ""\n', "while True:\n            pass\n"), 3.0)
    assert verdict.outcome is Outcome.REFUSED
    assert verdict.seen.startswith("after 3 s it is still at line ")
    assert ", in run: " in verdict.seen
    assert "`await`" in verdict.hint


def test_a_file_that_hangs_when_it_is_loaded_is_stopped(tmp_path: Path) -> None:
    verdict = check(tmp_path, "import threading\n\nthreading.Event().wait()\n", 2.0)
    assert "still at line 3, in <module>" in verdict.seen


def test_a_file_that_holds_the_interpreter_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "GRACE", 0.5)
    verdict = check(tmp_path, "print('in it', flush=True)\nx = 10**8\n10**x\n", 2.0)
    assert verdict.outcome is Outcome.BROKEN
    assert "had to be killed" in verdict.seen
    assert verdict.printed == "in it\n"


def test_a_file_that_ends_python_is_noticed(tmp_path: Path) -> None:
    verdict = check(tmp_path, "import os\nos._exit(3)\n")
    assert (verdict.outcome, verdict.seen) == (Outcome.BROKEN, "Python ended, status 3")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_file_that_crashes_is_noticed(tmp_path: Path) -> None:
    verdict = check(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    assert verdict.seen == "signal SIGSEGV has ended Python"


def test_only_the_beginning_of_what_is_printed_is_kept(tmp_path: Path) -> None:
    verdict = check(tmp_path, "for _ in range(100_000):\n    print('again and again')\n")
    assert "make_agents" in verdict.seen
    assert len(verdict.printed) == checking.MOST_PRINTED


def test_the_file_gets_no_input(tmp_path: Path) -> None:
    verdict = check(tmp_path, "input('name: ')\n")
    assert "EOFError" in verdict.seen


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_processes_that_the_file_has_started_end_with_the_check(tmp_path: Path) -> None:
    text = (
        "import subprocess, sys\nfrom pathlib import Path\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])\n"
        "Path('pid').write_text(str(child.pid))\n"
    )
    check(tmp_path, text)
    status = Path("/proc", (tmp_path / "pid").read_text(), "stat")
    for _ in range(100):
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)  # until init has taken it
    pytest.fail("the process still runs")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have no such limit")
def test_a_file_that_takes_all_memory_gets_an_error(tmp_path: Path) -> None:
    verdict = check(tmp_path, "x = bytearray(64 << 30)\n")
    assert "MemoryError" in verdict.seen
