"""Thousands of failures in few lines, and all of them in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.samples.images.failures import by_reason, write_failures
from penstock.samples.images.record import Failure, Phase


def failure(number: int, reason: str, phase: Phase = Phase.LOAD) -> Failure:
    return Failure(number, Path(f"{number}\n.jpg"), phase, reason)


def test_failures_are_counted_by_reason_the_most_frequent_first() -> None:
    failures = [failure(n, f"truncated ({n} bytes not processed)") for n in range(1, 4)]
    failures.insert(0, failure(9, "the file is empty"))
    failures.append(failure(10, "the file is empty", Phase.OUTPUT))
    assert by_reason(failures) == [
        r"3 failed: load: truncated (1 bytes not processed) (such as 1\n.jpg)",
        r"1 failed: load: the file is empty (9\n.jpg)",
        r"1 failed: output: the file is empty (10\n.jpg)",
    ]
    assert by_reason([]) == []


def test_of_many_reasons_the_first_are_named() -> None:
    lines = by_reason([failure(n, "x" * n) for n in range(1, 15)])
    assert len(lines) == 11
    assert lines[-1] == "4 failed for 4 other reasons"


def test_all_of_them_are_in_the_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_failures(Path("errors.txt"), [failure(1, "a"), failure(2, "b"), failure(1, "a")])
    assert Path("errors.txt").read_text().splitlines() == [
        f"{tmp_path}/1\\n.jpg\tload\ta",
        f"{tmp_path}/2\\n.jpg\tload\tb",
    ]
