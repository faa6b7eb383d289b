"""The command line of the samples: one line for wrong use, and a version."""

import argparse
from pathlib import Path

import pytest

from penstock.blocks import __version__
from penstock.samples.command.parser import CommandParser, file_path, folder_path, option_names, whole_number


@pytest.fixture
def parser() -> CommandParser:
    parser = CommandParser("penstock-test", "Tests.", "That is all.")
    parser.add_argument("--output", type=file_path)
    parser.add_argument("--folder", type=folder_path)
    parser.add_argument("--number", type=whole_number(1))
    parser.add_argument("--seed", type=whole_number())
    return parser


def test_the_version_is_that_of_the_library(parser: CommandParser, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        parser.parse_args(["--version"])
    assert exit_info.value.code == 0
    assert capsys.readouterr().out == f"penstock-test {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--wat"], "unrecognized arguments: --wat"),
        (["--out", "o"], "unrecognized arguments: --out o"),
        (["a\nb"], "unrecognized arguments: a\\nb"),
        (["--output", ""], "argument --output: expected the path of a file, got ''"),
        (["--output", "a\0b"], "argument --output: expected the path of a file, got 'a\\x00b'"),
        (["--folder", ""], "argument --folder: expected the path of a folder, got ''"),
        (["--number", "0"], "argument --number: expected a whole number >= 1, got '0'"),
        (["--number", "one"], "argument --number: expected a whole number >= 1, got 'one'"),
        (["--seed", "1.5"], "argument --seed: expected a whole number, got '1.5'"),
    ],
)
def test_wrong_use_is_one_line_and_a_hint(
    parser: CommandParser, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        parser.parse_args(arguments)
    assert exit_info.value.code == 2
    assert capsys.readouterr().err == f"penstock-test: {complaint} (try --help)\n"


def test_right_use_gives_values(parser: CommandParser) -> None:
    given = parser.parse_args(["--output", "-", "--number", "7", "--seed", "-1"])
    assert given == argparse.Namespace(output=Path("-"), folder=None, number=7, seed=-1)


def test_options_are_named_as_a_person_names_them() -> None:
    assert option_names(["seed"]) == "--seed"
    assert option_names(["seed", "time_limit"]) == "--seed and --time-limit"
    assert option_names(["seed", "report", "time_limit"]) == "--seed, --report and --time-limit"
