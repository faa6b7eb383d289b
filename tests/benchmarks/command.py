"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable, Iterator, Sequence

from . import (
    chain,
    cluster,
    flat,
    images,
    latency,
    limits,
    lines,
    memory,
    observing,
    parts,
    paths,
    pipelines,
    plans,
    prediction,
    processes,
    questions,
    recording,
    sending,
    sleeping,
    starting,
    stragglers,
    tasks,
    threads,
)
from .measuring import FULL, QUICK, Effort, Row
from .peers import missing
from .table import HEADS, cells, line, markdown, printer, style_of

BENCHMARKS: dict[str, Callable[[Effort], Iterator[Row]]] = {
    "chain": chain.rows,
    "observing": observing.rows,
    "recording": recording.rows,
    "limits": limits.rows,
    "sending": sending.rows,
    "flat": flat.rows,
    "memory": memory.rows,
    "sleeping": sleeping.rows,
    "starting": starting.rows,
    "stragglers": stragglers.rows,
    "latency": latency.rows,
    "parts": parts.rows,
    "paths": paths.rows,
    "pipelines": pipelines.rows,
    "tasks": tasks.rows,
    "questions": questions.rows,
    "threads": threads.rows,
    "processes": processes.rows,
    "prediction": prediction.rows,
    "plans": plans.rows,
    "lines": lines.rows,
    "images": images.rows,
    "cluster": cluster.rows,
}
"""Each benchmark: gives its lines as they are measured."""
DESCRIPTION = "Measures Penstock against baselines in the same run; exits with 1 if a target is missed."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen benchmarks and print a line for each comparison; 1 if a target was missed, else 0."""
    options = parse(arguments)
    basis = QUICK if options.quick else FULL
    effort = Effort(options.rounds or basis.rounds, basis.scale)
    show = printer()
    show(f"Python {platform.python_version()}, {effort.rounds} rounds, medians; more than one × is more time", "")
    for name in missing():
        show(f"{name} is not installed and left out; see peers.txt", "")
    form = markdown if options.markdown else line
    show(form(HEADS), "bold")
    if options.markdown:
        show(form(("---",) * len(HEADS)), "")
    verdicts: list[bool | None] = []
    for name in options.only or BENCHMARKS:
        for row in BENCHMARKS[name](effort):
            show(form(cells(row)), style_of(row))
            if row.target:
                verdicts.append(row.is_met)
    met, missed, undecided = (verdicts.count(verdict) for verdict in (True, False, None))
    show(f"targets: {met} met, {missed} missed, {undecided} undecided", "bold")
    return 1 if missed else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=DESCRIPTION)
    parser.add_argument("--quick", action="store_true", help="a tenth of the items, 3 rounds")
    parser.add_argument("--rounds", type=int, help=f"how often each contender runs (default: {FULL.rounds})")
    parser.add_argument("--markdown", action="store_true", help="print a table in Markdown")
    parser.add_argument(
        "--only", action="append", choices=list(BENCHMARKS), metavar="NAME", help=f"run only {', '.join(BENCHMARKS)}"
    )
    return parser.parse_args(arguments)
