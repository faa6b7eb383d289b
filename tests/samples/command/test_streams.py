"""Standard streams that are closed, full, or no longer read."""

import os
import subprocess
import sys

import pytest

needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs a shell and /dev")

PROGRAM = """if True:
    from penstock.samples.command.ready import ready_streams

    ready_streams()
    from rich.console import Console
    from penstock.samples.command.streams import show

    with open("made.txt", "wb") as file:
        problems = {show(Console(), lambda console: console.print("a table " * 20)) for _ in range(1000)}
    show(Console(stderr=True), lambda console: console.print("problems:", *sorted(map(str, problems))))
"""


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(redirection: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", f'"$0" -c "$1" {redirection}', sys.executable, PROGRAM]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@needs_posix
def test_a_stream_that_is_closed_does_not_become_a_file_of_ours() -> None:
    done = run(">&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "problems: None\n")
    assert os.stat("made.txt").st_size == 0


@needs_posix
def test_a_closed_standard_error_takes_nothing() -> None:
    done = run("2>&-")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("a table ")
    assert os.stat("made.txt").st_size == 0


@needs_posix
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_standard_output_is_named() -> None:
    done = run(">/dev/full")
    assert (done.returncode, done.stderr) == (0, "problems: No space left on device None\n")


@needs_posix
def test_nothing_is_said_where_nobody_reads_any_more() -> None:
    done = run("| true")
    assert (done.stdout, done.stderr) == ("", "problems: None\n")
