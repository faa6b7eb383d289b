"""Reports failures: counted by reason in a few lines, and all of them in a file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from penstock.samples.command.whole_file import WholeFile
from penstock.samples.images.names import printable, shown_name
from penstock.samples.images.record import Failure

__all__ = ["by_reason", "write_failures"]

_MOST_REASONS = 10


def by_reason(failures: Sequence[Failure]) -> list[str]:
    """Return a line per reason, the most frequent first, with its number of failures and an example."""
    groups: dict[tuple[str, str], list[Failure]] = {}
    for failure in failures:
        groups.setdefault((failure.phase.value, re.sub(r"\d+", "N", failure.reason)), []).append(failure)
    ordered = sorted(groups.values(), key=len, reverse=True)
    lines = [_line(group) for group in ordered[:_MOST_REASONS]]
    rest = sum(len(group) for group in ordered[_MOST_REASONS:])
    return lines + ([f"{rest} failed for {len(ordered) - _MOST_REASONS} other reasons"] if rest else [])


def _line(group: Sequence[Failure]) -> str:
    first = group[0]
    reason = f"{first.phase.value}: {printable(first.reason)}"
    return f"{len(group)} failed: {reason} ({'such as ' if len(group) > 1 else ''}{shown_name(first.path)})"


def write_failures(path: Path, failures: Iterable[Failure]) -> None:
    """Write a line per failure, without repetitions: the whole path, the phase and the reason, separated by tabs.

    Raises:
        OSError: the file cannot be written; an older file is left as it was.
    """
    lines = dict.fromkeys(
        f"{printable(os.path.abspath(failure.path))}\t{failure.phase.value}\t{printable(failure.reason)}\n"
        for failure in failures
    )
    with WholeFile(path) as file:
        file.write("".join(lines).encode("utf-8", "backslashreplace"))
