"""The command line of both programs: it has `--version`, and reports wrong use in one line with a hint."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn, Protocol

from penstock.blocks import __version__

__all__ = ["CommandParser", "OptionGroup", "file_path", "folder_path", "option_names", "whole_number"]


class CommandParser(argparse.ArgumentParser):
    """A parser that reports an error in one line with a hint, without printing the whole usage.

    Args:
        prog: the name of the program.
        description: the text above the options in the help; its line breaks are kept.
        epilog: the text at the end of the help; its line breaks are kept.
    """

    def __init__(self, prog: str, description: str, epilog: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.add_argument("--version", action="version", version=f"{prog} {__version__}")

    def error(self, message: str) -> NoReturn:
        """End the program with status 2 and one line on standard error."""
        self.exit(2, f"{self.prog}: {_on_one_line(message)} (try --help)\n")


class OptionGroup(Protocol):
    """A parser, or a group of options in one: `argparse` has no public name for both."""

    def add_argument(self, *names: str, **options: Any) -> Any:
        """Add an option, as `argparse.ArgumentParser` does."""
        ...


def _on_one_line(text: str) -> str:
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def option_names(names: Iterable[str]) -> str:
    """Return the options for some attribute names as a text: "--seed and --time-limit"."""
    options = [f"--{name.replace('_', '-')}" for name in names]
    return " and ".join([", ".join(options[:-1]), options[-1]] if len(options) > 1 else options)


def whole_number(at_least: int | None = None) -> Callable[[str], int]:
    """Return a type for `add_argument`: a whole number, perhaps with a minimum."""
    expected = "a whole number" if at_least is None else f"a whole number >= {at_least}"

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or (at_least is not None and number < at_least):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
        return number

    return parse


def file_path(text: str) -> Path:
    """Return the path in `text`, which must not be empty: a type for `add_argument`."""
    return _path(text, "a file")


def folder_path(text: str) -> Path:
    """Return the path of a folder in `text`, which must not be empty: a type for `add_argument`."""
    return _path(text, "a folder")


def _path(text: str, what: str) -> Path:
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"expected the path of {what}, got {text!r}")
    return Path(text)
