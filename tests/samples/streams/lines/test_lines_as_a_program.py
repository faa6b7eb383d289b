"""`penstock-lines` as a process: pipes, signals, worker processes."""

import gzip
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "penstock.samples.streams.lines"]
LINES = b"".join(b'{"n": "v%d", "ts": %d}\n' % (number % 3, number) for number in range(30_000))


@pytest.mark.parametrize("data", [LINES, gzip.compress(LINES)], ids=["plain", "gzip"])
def test_it_reads_a_pipe_of_either_kind(data: bytes) -> None:
    done = subprocess.run([*COMMAND, "stats", "-", "--by", "n", "--quiet"], input=data, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b'10000\t"v0"\n10000\t"v1"\n10000\t"v2"\n'


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_a_closed_standard_input_is_named() -> None:
    closed = ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, "stats", "-", "--by", "n"]
    done = subprocess.run(closed, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "penstock-lines: cannot read standard input: Bad file descriptor\n"


def test_the_time_limit_holds_for_the_first_bytes_too() -> None:
    command = [*COMMAND, "stats", "-", "--by", "n", "--time-limit", "0.1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.wait(60) == 124
        assert program.stderr is not None
        assert program.stderr.read().splitlines() == [
            "penstock-lines: the files gave no data within the time limit of 0.1 s",
            "standard output did not get all",
        ]


def test_worker_processes_count_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(LINES))
    texts: list[bytes] = []
    for command in ("stats", "index", "merge"):
        for more in ([], ["--processes", "2"]):
            options = [] if command == "merge" else ["--by", "n"]
            arguments = [*COMMAND, command, path, *options, *more, "--quiet"]
            texts.append(subprocess.run(arguments, capture_output=True, check=True, timeout=60).stdout)
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]
    assert texts[4] == texts[5] == LINES


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_in_the_middle_leaves_no_output(number: int, status: int, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [*COMMAND, "merge", "-", "--output", str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdin is not None
        program.stdin.write(LINES)
        program.stdin.flush()
        program.send_signal(number)
        assert program.wait(60) == status
        assert program.stderr is not None
        text = program.stderr.read()
    assert text in (b"", f"penstock-lines: stopped; {out} was left as it was\n".encode())
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_ends_it_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(LINES * 20)
    command = [*COMMAND, "replay", str(path), "--speed", "max"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        program.stdout.close()
        assert program.wait(60) == 141
        assert program.stderr is not None
        assert program.stderr.read() == b""
