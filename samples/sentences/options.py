"""The command line of `penstock-sentences`."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NoReturn

import attrs

from penstock.samples.observing import add_observing_options
from penstock.samples.sentences.decoding import Undecodable

Mode = Literal["sequential", "control-flow"]

MODES: tuple[Mode, ...] = ("sequential", "control-flow")
UNDECODABLE: tuple[Undecodable, ...] = ("fail", "replace")


@attrs.frozen
class Options:
    """What the user asked for."""

    output: Path
    file: Path | None = None
    mode: Mode = "control-flow"
    seed: int = 0
    sentences: int = 1000
    limit: int = 20
    undecodable: Undecodable = "fail"
    quiet: bool = False
    record: Sequence[Path] = ()
    report: bool = False
    diagram: Sequence[Path] = ()
    time_limit: float | None = None


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of in the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (try --help)\n")


def _whole_number(at_least: int | None = None) -> Callable[[str], int]:
    wanted = "a whole number" if at_least is None else f"a whole number >= {at_least}"

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or (at_least is not None and number < at_least):
            raise argparse.ArgumentTypeError(f"expected {wanted}, got {text!r}")
        return number

    return parse


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"expected the path of a file, got {text!r}")
    return Path(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="penstock-sentences",
        description="Reads phrases, corrects their case, makes sentences of them and writes one a line.",
        epilog="Exit status: 0 all well; 1 some bytes were no UTF-8 and were replaced; 2 wrong use, or a "
        "file that cannot be read or written; 124 stopped by the time limit, 130 by Ctrl-C, the output left as it was.",
    )
    parser.add_argument(
        "file", nargs="?", type=_path, metavar="FILE", help="a UTF-8 text; without it phrases are made up"
    )
    parser.add_argument(
        "--output", required=True, type=_path, metavar="PATH", help="where to write; replaced if it is there"
    )
    parser.add_argument("--mode", choices=MODES, default="control-flow", help="default: %(default)s")
    parser.add_argument(
        "--seed", type=_whole_number(), metavar="N", help="of the phrases that are made up (default: 0)"
    )
    parser.add_argument("--sentences", type=_whole_number(0), metavar="N", help="how many to make up (default: 1000)")
    parser.add_argument(
        "--limit",
        type=_whole_number(1),
        default=20,
        metavar="N",
        help="sentences that may be under way at once in mode control-flow (default: %(default)s)",
    )
    parser.add_argument(
        "--undecodable",
        choices=UNDECODABLE,
        default="fail",
        help="what to do about bytes that are not UTF-8 (default: %(default)s)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress and no table, only errors")
    add_observing_options(parser)
    return parser


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """The options of a command line.

    Raises:
        SystemExit: 2 after one line that says what is wrong; 0 after --help.
    """
    parser = _parser()
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    if "file" in given and (made_up := given.keys() & {"seed", "sentences"}):
        names = " and ".join(f"--{name}" for name in sorted(made_up))
        parser.error(f"{names} is for phrases that are made up, not for those of a FILE")
    if given["mode"] == "sequential" and (
        looks := [name for name in ("record", "report", "diagram", "time_limit") if given.get(name)]
    ):
        names = " and ".join(f"--{name.replace('_', '-')}" for name in looks)
        parser.error(f"{names} is for a network, and the mode sequential has none")
    return Options(**given)
