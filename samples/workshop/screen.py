"""Prints what the program has to say, with colours and formatted pages on a terminal, and plainly elsewhere."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial

from rich.console import Console, RenderableType
from rich.markdown import Markdown
from rich.syntax import Syntax

from penstock.samples.command.streams import show
from penstock.samples.workshop.verdict import Outcome, Verdict

__all__ = ["Screen"]


class Screen:
    """Standard output, and standard error for errors."""

    def __init__(self) -> None:
        self._out = Console(highlight=False)
        self._error = Console(stderr=True, highlight=False)

    def line(self, text: str = "", style: str = "") -> None:
        """Print a text."""
        show(self._out, lambda console: console.print(text, style=style or None, markup=False, soft_wrap=True))

    def error(self, text: str) -> None:
        """Print one line on standard error."""
        line = f"penstock-workshop: {text}"
        show(self._error, lambda console: console.print(line, markup=False, soft_wrap=True))

    def working(self, text: str) -> AbstractContextManager[object]:
        """Show on a terminal that something goes on, as long as the body takes."""
        return self._error.status(text) if self._error.is_terminal else nullcontext()

    def page(self, text: str) -> None:
        """Print a page in Markdown."""
        if self._out.is_terminal:
            show(self._out, partial(_print, Markdown(text)))
        else:
            self.line(text.rstrip())

    def code(self, text: str) -> None:
        """Print a program, so that it can be copied or redirected to a file."""
        if self._out.is_terminal:
            # the colours of the terminal, which can be read on light and dark; and lines as they are, to be copied
            code = Syntax(text, "python", theme="ansi_dark").highlight(text.rstrip())
            show(self._out, lambda console: console.print(code, soft_wrap=True))
        else:
            self.line(text.rstrip())

    def verdict(self, title: str, verdict: Verdict) -> None:
        """Print what a check has found."""
        is_solved = verdict.outcome is Outcome.SOLVED
        self.line(f"{title}: {'solved' if is_solved else 'not yet'}", "bold green" if is_solved else "bold yellow")
        for name, text in (
            ("law", verdict.law),
            ("seen", verdict.seen),
            ("hint", verdict.hint),
            ("printed", "" if is_solved else verdict.printed.rstrip()),
        ):
            if text:
                first, *others = text.splitlines()
                self.line("\n".join([f"  {name:8}{first}", *(f"  {'':8}{other}" for other in others)]))


def _print(what: RenderableType, console: Console) -> None:
    console.print(what)
