"""The command line of `penstock-seal`."""

from collections.abc import Sequence
from pathlib import Path

import attrs

from penstock.samples.command.parser import CommandParser, file_path
from penstock.samples.command.streams import why

__all__ = ["Options", "parse_options"]

_KEY = 32

_DESCRIPTION = """\
Compresses and encrypts a file, or opens a file that was sealed so. A sealed file that was cut off, changed or put into
another order is not opened.
"""

_EPILOG = """\
examples:
  python -c "import secrets; print(secrets.token_hex(32))" > my.key     make a key
  penstock-seal story.txt story.sealed --key-file my.key
  penstock-seal story.sealed story.txt --key-file my.key --open
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
    key: bytes = attrs.field(repr=False)
    open: bool = False


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Return the options of a command line.

    Raises:
        SystemExit: 2 after one line that says what is wrong; 0 after --help or --version.
    """
    parser = CommandParser("penstock-seal", _DESCRIPTION, _EPILOG)
    parser.add_argument("source", type=file_path, metavar="IN", help="the file to read")
    parser.add_argument("target", type=file_path, metavar="OUT", help="the file to write")
    parser.add_argument(
        "--key-file", type=file_path, required=True, metavar="FILE", help="a key: 32 bytes, or 64 hexadecimal digits"
    )
    parser.add_argument("--open", action="store_true", help="open a sealed file")
    given = parser.parse_args(arguments)
    if given.target.exists() and given.source.exists() and given.target.samefile(given.source):
        parser.error("IN and OUT are the same file")
    try:
        key = _key(given.key_file)
    except (OSError, ValueError) as error:
        parser.error(f"{given.key_file}: {why(error) if isinstance(error, OSError) else error}")
    return Options(given.source, given.target, key, given.open)


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
