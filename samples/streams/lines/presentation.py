"""Shows the user a table at the end, the bad lines, and one line for an error."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from penstock.blocks import Report
from penstock.samples.command.show import shown
from penstock.samples.command.streams import show
from penstock.samples.streams.lines.bad_lines import BadLines
from penstock.samples.watch import Saved, print_network

__all__ = ["Presentation"]


class Presentation:
    """Writes errors to standard error, the table to standard output.

    Args:
        quiet: whether to show no table.
        table_to_error: write the table to standard error too, because the lines go to standard output.
    """

    def __init__(self, *, quiet: bool = False, table_to_error: bool = False) -> None:
        self._quiet = quiet
        self._errors = Console(stderr=True)
        self._table = self._errors if table_to_error else Console()

    def result(self, title: str, rows: dict[str, str], saved: Saved) -> str | None:
        """Show the table; return the reason why it cannot be shown, or None."""
        if self._quiet:
            return None
        table = Table(title=title, show_header=False, title_justify="left")
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        rows = rows | {
            "recorded in": "\n".join(map(shown, saved.recordings)),
            "drawn in": "\n".join(map(shown, saved.diagrams)),
        }
        for name, value in rows.items():
            if value:
                table.add_row(name, Text(value))
        return show(self._table, lambda console: console.print(table))

    def report(self, report: Report) -> str | None:
        """Show the report of the network, even if quiet; return the reason why it cannot be shown, or None."""
        return show(self._table, lambda console: print_network(console, report))

    def bad_lines(self, bad: BadLines, names: list[str], what_became: str) -> None:
        """Report lines that are not as expected: how many for each reason, and the first ones."""
        if bad.total:
            reasons = ", ".join(f"{reason}: {count:,}" for reason, count in bad.counts.most_common())
            self.error(f"{bad.total:,} lines {what_became} ({reasons})")
            for file, line, reason in bad.first:
                self.error(f"{names[file]}, line {line}: {reason}")
            if bad.total > len(bad.first):
                self.error(f"and {bad.total - len(bad.first):,} more")

    def error(self, message: str) -> None:
        """Show an error in one line."""
        line = Text(f"penstock-lines: {message}")
        show(self._errors, lambda console: console.print(line, soft_wrap=True))
