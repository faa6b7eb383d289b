"""Shows the anti-patterns: `python -m penstock.samples.workshop.antipatterns [NAME …]`."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence

from penstock.samples.command.parser import CommandParser
from penstock.samples.command.ready import ready_streams
from penstock.samples.command.signals import stopped_by_signals
from penstock.samples.workshop.antipatterns.figures import AntiPattern, table_of
from penstock.samples.workshop.antipatterns.infinite_waits import INFINITE_WAITS
from penstock.samples.workshop.antipatterns.large_copies import LARGE_COPIES
from penstock.samples.workshop.antipatterns.shared_state import SHARED_STATE
from penstock.samples.workshop.antipatterns.small_stages import SMALL_STAGES
from penstock.samples.workshop.antipatterns.unbounded_growth import UNBOUNDED_GROWTH
from penstock.samples.workshop.screen import Screen

__all__ = ["ANTI_PATTERNS", "main"]

ANTI_PATTERNS: dict[str, AntiPattern] = {
    "copies": LARGE_COPIES,
    "small-stages": SMALL_STAGES,
    "shared-state": SHARED_STATE,
    "waits": INFINITE_WAITS,
    "growth": UNBOUNDED_GROWTH,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the programs and returns the exit status."""
    ready_streams()
    parser = CommandParser(
        "antipatterns", "Shows the five anti-patterns of the pipelines chapter, each with its cure.", ""
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(ANTI_PATTERNS)}; by default all")
    names: list[str] = parser.parse_args(arguments).names or list(ANTI_PATTERNS)
    if unknown := [name for name in names if name not in ANTI_PATTERNS]:
        parser.error(f"there is no anti-pattern {unknown[0]!r}; there are {', '.join(ANTI_PATTERNS)}")
    screen = Screen()
    with stopped_by_signals() as stop:
        try:
            for name in names:
                show(ANTI_PATTERNS[name], screen)
        except KeyboardInterrupt:
            screen.error("stopped")
            return stop.exit_status
    return 0


def show(pattern: AntiPattern, screen: Screen) -> None:
    """Run both programs and print their figures."""
    screen.line(pattern.title, "bold")
    screen.line(table_of(pattern.harm(), pattern.cure()))
    screen.line(textwrap.fill(pattern.lesson, 100, initial_indent="  ", subsequent_indent="  ") + "\n")


if __name__ == "__main__":
    sys.exit(main())
