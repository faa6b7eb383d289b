"""The command `penstock-lines`, in the process of the test."""

import gzip
import json
import os
from pathlib import Path

import pytest

from penstock.samples.streams.lines import stats as stats_module
from penstock.samples.streams.lines.__main__ import main

COMMANDS = [["stats", "--by", "n"], ["merge"], ["replay", "--speed", "max"], ["index", "--by", "n"]]


def trace(*numbers: int) -> bytes:
    return b"".join(b'{"n": "v%d", "ts": %d}\n' % (number % 3, number) for number in numbers)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def test_lines_of_all_files_are_counted(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "a").write_bytes(trace(*range(5_000)))
    (folder / "b.gz").write_bytes(gzip.compress(trace(0, 1)) + gzip.compress(trace(3)))
    assert main(["stats", "a", "--by", "n", "b.gz", "--output", "out", "--report", "--time-limit", "60"]) == 0
    assert (folder / "out").read_text() == '1669\t"v0"\n1668\t"v1"\n1666\t"v2"\n'
    out, err = capfd.readouterr()
    assert err == ""
    for expected in ("2 files", "5,003", "values", "network 'stats'", "unpack b.gz"):
        assert expected in out
    assert main(["stats", "a", "b.gz", "--pattern", r'"v(\d)"', "--top", "1", "--quiet"]) == 0
    assert capfd.readouterr() == ('1669\t"0"\n', "")


def test_sorted_files_are_merged(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a").write_bytes(trace(1, 4, 5))
    (folder / "b.gz").write_bytes(gzip.compress(trace(2, 3, 9).rstrip()))
    assert main(["merge", "a", "b.gz", "--output", "a"]) == 0
    assert (folder / "a").read_bytes() == trace(1, 2, 3, 4, 5, 9)
    assert "Merge" in capsys.readouterr().out
    (folder / "b.gz").write_bytes(trace(7, 6))
    assert main(["merge", "a", "b.gz", "--output", "c"]) == 2
    message = "b.gz is not sorted by time: line 2 is earlier than a line before it"
    assert capsys.readouterr().err == f"penstock-lines: {message}\n"
    assert sorted(os.listdir()) == ["a", "b.gz"]


def test_a_log_is_replayed_and_merged_by_a_pattern(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "log").write_bytes(b"12:00:00 one\r\n  detail\r\n12:00:01 two")
    for command in ("replay", "merge"):
        assert main([command, "log", "--time-pattern", r"^\d\d", "--unit", "ns", "--quiet"]) == 0
        assert capfd.readouterr().out == "12:00:00 one\r\n  detail\r\n12:00:01 two\n"


def test_an_index_says_where_each_value_stands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = trace(*range(60_000))
    (folder / "a").write_bytes(data)
    assert main(["index", "a", "--by", "n", "--output", "index", "--memory", "1 MB"]) == 0
    assert "partial files │ " in capsys.readouterr().out
    count = 0
    for row in map(json.loads, (folder / "index").read_text().splitlines()):
        assert row["file"] == "a"
        for start in row["bytes"][:3]:
            assert data[start:].startswith(b'{"n": "%s"' % row["value"].encode())
        count += len(row["lines"])
    assert count == 60_000
    assert sorted(os.listdir()) == ["a", "index"]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_file_gives_an_empty_file(command: list[str], folder: Path) -> None:
    (folder / "empty").touch()
    assert main([*command, "empty", "--output", "out", "--quiet"]) == 0
    assert (folder / "out").read_bytes() == b""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_was_cut_off_leaves_no_output(
    command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "cut.gz").write_bytes(gzip.compress(trace(*range(1000)))[:1000])
    (folder / "empty.gz").touch()
    assert main([*command, "cut.gz", "--output", "out"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("penstock-lines: cannot read cut.gz: the input ended in the middle of a gzip member")
    assert line.endswith("after 1,000 bytes; it was cut off")
    assert main([*command, "empty.gz", "--output", "out"]) == 2
    assert "cannot read empty.gz: the input is empty" in capsys.readouterr().err
    assert sorted(os.listdir()) == ["cut.gz", "empty.gz"]


def test_a_damaged_file_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(gzip.compress(trace(*range(1000))))
    data[200] ^= 0xFF
    data[201] ^= 0xFF
    (folder / "bad.gz").write_bytes(data)
    assert main(["stats", "bad.gz", "--by", "n"]) == 2
    assert "cannot read bad.gz: Error -3 while decompressing data" in capsys.readouterr().err


def test_bad_lines_are_counted_and_named(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "a").write_bytes(trace(1) + b'broken\n\xff\n[1]\n{"x": 1}\n' + trace(2) + b"1\n2\n")
    assert main(["stats", "a", "--by", "n", "--quiet"]) == 1
    out, err = capfd.readouterr()
    assert out == '1\t"v1"\n1\t"v2"\n'
    assert err.splitlines() == [
        "penstock-lines: 6 lines were left out (not a JSON object: 3, not JSON: 1, not UTF-8: 1, no field 'n': 1)",
        "penstock-lines: a, line 2: not JSON",
        "penstock-lines: a, line 3: not UTF-8",
        "penstock-lines: a, line 4: not a JSON object",
        "penstock-lines: a, line 5: no field 'n'",
        "penstock-lines: a, line 7: not a JSON object",
        "penstock-lines: and 1 more",
    ]
    assert main(["merge", "a", "--quiet", "--output", "out"]) == 1
    assert (folder / "out").read_bytes() == (folder / "a").read_bytes()
    assert "6 lines stay with the line before them" in capfd.readouterr().err


def test_too_many_values_are_an_error(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats_module, "VALUE", 2_000)
    (folder / "a").write_bytes(trace(1, 2, 3))
    assert main(["stats", "a", "--by", "ts", "--memory", "4000"]) == 2
    assert "there are more than 2 different values, which do not fit into" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stats", "--by", "n"], "stats needs a FILE, or - for standard input"),
        (["stats", "a"], "stats needs either --by FIELD or --pattern REGEX"),
        (["index", "a", "--by", "n", "--pattern", "x"], "index needs either --by FIELD or --pattern REGEX"),
        (["merge", "a", "--by", "n"], "--by is for stats and index"),
        (["stats", "a", "--by", "n", "--speed", "2"], "--speed is for replay"),
        (["replay", "a", "--speed", "0"], "argument --speed: expected a number > 0 or max, got '0'"),
        (["merge", "-", "-"], "standard input (-) can be read only once"),
        (["merge", *["a"] * 257], "up to 256 files are read at once, got 257; put files together with cat"),
        (
            ["merge", "a", "--time", "t", "--time-pattern", "t"],
            "--time is for lines of JSON, and --time-pattern",
        ),
        (["stats", "a", "--by", "n,"], "argument --by: expected the name of a field, got ''"),
        (["stats", "a", "--pattern", "("], "argument --pattern: expected a regular expression, got '('"),
        (["index", "a", "--by", "n", "--memory", "much"], "argument --memory:"),
        (["replay", "a", "b"], "replay takes one FILE; merge several first"),
    ],
)
def test_wrong_use_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"penstock-lines: {message}")
    assert line.endswith("(try --help)")


def test_what_cannot_be_opened_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", "nothing", "--by", "n"]) == 2
    assert capsys.readouterr().err == "penstock-lines: cannot read nothing: No such file or directory\n"
    assert main(["stats", ".", "--by", "n"]) == 2
    assert "cannot read .: Is a directory" in capsys.readouterr().err
    (folder / "a").touch()
    assert main(["merge", "a", "--output", "nowhere/out"]) == 2
    assert "cannot write nowhere/out: No such file or directory" in capsys.readouterr().err
