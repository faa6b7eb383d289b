"""The command line of `penstock-seal`."""

import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import attrs

from penstock.samples.command.parser import CommandParser, file_path
from penstock.samples.command.streams import why

__all__ = ["Options", "parse_options"]

_KEY = 32
_LONGEST = 1024
_VARIABLE = "PENSTOCK_PASSPHRASE"

_DESCRIPTION = """\
Compresses and encrypts a file, or opens a file that was sealed so. A sealed file that was cut off, changed or put into
another order is not opened.
"""

_EPILOG = """\
examples:
  python -c "import secrets; print(secrets.token_hex(32))" > my.key     make a key
  penstock-seal story.txt story.sealed --key-file my.key
  penstock-seal story.sealed story.txt --key-file my.key --open
  penstock-seal story.txt story.sealed --passphrase                     asks for it, twice
OUT is written whole or not at all; an older file is replaced.

exit status:
  0 success; 1 the sealed file is not as it was sealed; 2 wrong use, or something cannot be read or written;
  130 ended by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP
"""


@attrs.frozen
class Options:
    """The options of the user."""

    source: Path
    target: Path
    secret: bytes = attrs.field(repr=False)
    is_passphrase: bool = False
    open: bool = False


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Return the options of a command line.

    Raises:
        SystemExit: 2 after one line that says what is wrong; 0 after --help or --version.
    """
    parser = CommandParser("penstock-seal", _DESCRIPTION, _EPILOG)
    parser.add_argument("source", type=file_path, metavar="IN", help="the file to read")
    parser.add_argument("target", type=file_path, metavar="OUT", help="the file to write")
    secrets = parser.add_mutually_exclusive_group(required=True)
    secrets.add_argument("--key-file", type=file_path, metavar="FILE", help="a key: 32 bytes, or 64 hexadecimal digits")
    secrets.add_argument(
        "--passphrase-file", type=file_path, metavar="FILE", help="a passphrase: the first line of this file"
    )
    secrets.add_argument(
        "--passphrase",
        action="store_true",
        help=f"a passphrase: that in the environment variable {_VARIABLE}, or else it is asked for",
    )
    parser.add_argument("--open", action="store_true", help="open a sealed file")
    given = parser.parse_args(arguments)
    if given.target.exists() and given.source.exists() and given.target.samefile(given.source):
        parser.error("IN and OUT are the same file")
    file = given.key_file or given.passphrase_file
    try:
        if given.passphrase:
            secret = _asked(again=not given.open)
        else:
            secret = _key(file) if given.key_file else _passphrase(file)
    except (OSError, ValueError) as error:
        where = "--passphrase" if file is None else file
        parser.error(f"{where}: {why(error) if isinstance(error, OSError) else error}")
    return Options(given.source, given.target, secret, given.key_file is None, given.open)


def _passphrase(path: Path) -> bytes:
    """Read a passphrase.

    Raises:
        ValueError: there is none.
    """
    with path.open("rb") as file:
        return _checked(file.readline(_LONGEST + 2).removesuffix(b"\n").removesuffix(b"\r"))


def _asked(*, again: bool) -> bytes:
    """Return the passphrase of the environment, or ask for one.

    Raises:
        ValueError: there is none.
    """
    given = os.environ.get(_VARIABLE)
    if given is not None:
        return _checked(os.fsencode(given))
    if not sys.stdin.isatty():
        raise ValueError(f"there is no terminal to ask at; use {_VARIABLE} or --passphrase-file")
    try:
        text = getpass.getpass("Passphrase: ")
        if again and getpass.getpass("Once more: ") != text:
            raise ValueError("these are two different passphrases")
    except EOFError:
        raise ValueError("no passphrase was given") from None
    return _checked(text.encode("utf-8", "surrogateescape"))


def _checked(passphrase: bytes) -> bytes:
    if not 0 < len(passphrase) <= _LONGEST:
        raise ValueError(f"expected a passphrase of 1 to {_LONGEST} bytes, got {len(passphrase) or 'an empty one'}")
    return passphrase


def _key(path: Path) -> bytes:
    """Read a key.

    Raises:
        ValueError: it is no key.
    """
    with path.open("rb") as file:
        found = file.read(4 * _KEY)
    if len(found) == _KEY:
        return found
    try:
        key = bytes.fromhex(found.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != _KEY:
        raise ValueError(f"expected a key of {_KEY} bytes, or {2 * _KEY} hexadecimal digits")
    return key
