"""The command line of `penstock-sentences`."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import attrs

from penstock.samples.command.parser import CommandParser, file_path, option_names, whole_number
from penstock.samples.command.show import STANDARD
from penstock.samples.observing import add_observing_options
from penstock.samples.sentences.decoding import Undecodable, text_encoding

Mode = Literal["sequential", "control-flow"]

MODES: tuple[Mode, ...] = ("sequential", "control-flow")
UNDECODABLE: tuple[Undecodable, ...] = ("fail", "replace")

_DESCRIPTION = """\
Reads a text, corrects the case of its sentences, and writes them in UTF-8, one per line. The end of a paragraph, a
heading or an item of a Markdown list also ends a sentence.
"""

_EPILOG = """\
examples:
  penstock-sentences prose.txt                     write the sentences of a file
  penstock-sentences prose.txt --output sentences.txt
                                                   write them to a file, whole or not at all
  tail -f log | penstock-sentences - | grep Error  read and write as a filter
  penstock-sentences brief.txt --language de --encoding latin-1
  penstock-sentences --sentences 100000 --report   generate sentences, and show what each agent has done

exit status:
  0 success; 1 some bytes were not valid text and were replaced; 2 wrong use, or something cannot be read or written;
  124 ended by the time limit, 130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP; 141 the reader has gone
"""

_OF_A_FILE = ("encoding", "language", "undecodable")
_OF_GENERATED = ("seed", "sentences")
_OF_A_NETWORK = ("governor", "record", "report", "diagram", "time_limit")


@attrs.frozen
class Options:
    """The options of the user."""

    file: Path | None = None
    output: Path = STANDARD
    mode: Mode = "control-flow"
    seed: int = 0
    sentences: int = 1000
    governor: int = 20
    language: str = "en"
    encoding: str = "utf-8"
    undecodable: Undecodable = "fail"
    quiet: bool = False
    record: Sequence[Path] = ()
    report: bool = False
    diagram: Sequence[Path] = ()
    time_limit: float | None = None


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Return the options of a command line.

    Raises:
        SystemExit: 2 after one line that says what is wrong; 0 after --help or --version.
    """
    parser = _parser()
    given = {
        name: value
        for name, value in vars(parser.parse_args(arguments)).items()
        if value is not None and value is not False and value != []
    }
    if "file" in given:
        _refuse(parser, given, _OF_GENERATED, "generated text, not for the text of a FILE")
    else:
        _refuse(parser, given, _OF_A_FILE, "the text of a FILE, and none is given")
    if given.get("mode") == "sequential":
        _refuse(parser, given, _OF_A_NETWORK, "a network, and the mode sequential has none")
    return Options(**given)


def _refuse(parser: CommandParser, given: dict[str, object], names: Sequence[str], what_for: str) -> None:
    if useless := [name for name in names if name in given]:
        parser.error(f"{option_names(useless)} {'is' if len(useless) == 1 else 'are'} for {what_for}")


def _parser() -> CommandParser:
    parser = CommandParser("penstock-sentences", _DESCRIPTION, _EPILOG)
    parser.add_argument(
        "file",
        nargs="?",
        type=file_path,
        metavar="FILE",
        help="a text, or - for standard input; without it, a text is generated",
    )
    parser.add_argument(
        "--output",
        type=file_path,
        metavar="FILE",
        help="the file to write, or to replace; - is standard output (the default)",
    )
    _add_text(parser)
    parser.add_argument("--mode", choices=MODES, help="a plain loop, or an agent per step (default: control-flow)")
    parser.add_argument(
        "--governor",
        type=whole_number(1),
        metavar="N",
        help="the pipeline holds up to N sentences, in mode control-flow (default: 20)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress and no table, only errors")
    add_observing_options(parser)
    return parser


def _add_text(parser: CommandParser) -> None:
    parser.add_argument(
        "--language",
        type=_language,
        metavar="CODE",
        help="the language of FILE, such as de, ja or pt-BR; it decides where sentences end (default: en). An unknown "
        "language is treated as a similar one, or as English",
    )
    parser.add_argument(
        "--encoding",
        type=_encoding,
        metavar="NAME",
        help="the encoding of FILE, such as utf-16 or latin-1 (default: utf-8)",
    )
    parser.add_argument(
        "--undecodable",
        choices=UNDECODABLE,
        help="what to do with bytes that are not valid in that encoding (default: fail)",
    )
    parser.add_argument("--seed", type=whole_number(), metavar="N", help="seed of the generated text (default: 0)")
    parser.add_argument(
        "--sentences", type=whole_number(0), metavar="N", help="number of sentences to generate (default: 1000)"
    )


def _language(text: str) -> str:
    if not re.fullmatch("[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*", text):
        raise argparse.ArgumentTypeError(f"expected the code of a language, such as en, de or pt-BR, got {text!r}")
    return text


def _encoding(text: str) -> str:
    try:
        text_encoding(text)
    except LookupError:
        raise argparse.ArgumentTypeError(f"expected an encoding such as utf-8 or latin-1, got {text!r}") from None
    return text
