"""Writes a large trace or log: `python tests/benchmarks/synthesise.py --bytes 10e9 | penstock-lines stats - --by name`.

The same options give the same lines. Times grow; every so many lines, one may be bad.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Callable, Iterator
from random import Random

NAMES = ("read", "write", "open64", "close", "fstat", "numpy.load", "forward", "backward")
BAD = (b'{"id": 1, "name": "cut of', b"\xff\xfe", b"[1, 2]", b'{"id": 1}')
LINES = 4096
"""Lines in a block."""


def blocks(seed: int = 0, bad_every: int = 0, log: bool = False, end: bytes = b"\n") -> Iterator[bytes]:
    """Return lines without end, in blocks.

    Args:
        seed: Another seed gives other lines.
        bad_every: After so many lines comes one that is bad; 0 for none.
        log: Whether the lines are those of a log instead of JSON.
        end: The end of each line.
    """
    chance = Random(seed)
    time = number = 0
    while True:
        lines: list[bytes] = []
        for _ in range(LINES):
            number += 1
            time += chance.randrange(40)
            name = chance.choice(NAMES)
            if bad_every and number % bad_every == 0:
                lines.append(chance.choice(BAD))
            elif log:
                level = "ERROR" if number % 97 == 0 else "INFO"
                lines.append(b"%012d %s %s took %d us" % (time, level.encode(), name.encode(), number % 1000))
            else:
                fields = (number, name.encode(), number % 8, time, number % 1000, number % 4096)
                lines.append(
                    b'{"id":%d,"name":"%s","cat":"POSIX","pid":7,"tid":%d,"ts":%d,"dur":%d,"ph":"X",'
                    b'"args":{"size":%d}}' % fields
                )
        yield end.join([*lines, b""])


def write(target: Callable[[bytes], object], size: int, source: Iterator[bytes], level: int = 0) -> int:
    """Write whole blocks until there are so many bytes of text; return how many lines there are.

    Args:
        target: Takes what is written.
        size: The number of bytes of text.
        source: The blocks.
        level: Of the compression; 0 for none.
    """
    codec = zlib.compressobj(level, wbits=31) if level else None
    lines = 0
    while size > 0:
        block = next(source)
        size -= len(block)
        lines += LINES
        target(codec.compress(block) if codec else block)
    if codec:
        target(codec.flush())
    return lines


def main() -> None:
    """Write to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=float, default=1e9, help="how much text (default: 1e9)")
    parser.add_argument("--gzip", type=int, default=0, metavar="LEVEL", help="compress it (default: 0, not)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bad-every", type=int, default=0, metavar="N", help="one line in N is bad")
    parser.add_argument("--log", action="store_true", help="lines of a log instead of JSON")
    parser.add_argument("--crlf", action="store_true", help="lines end with CR LF")
    given = parser.parse_args()
    source = blocks(given.seed, given.bad_every, given.log, b"\r\n" if given.crlf else b"\n")
    try:
        write(sys.stdout.buffer.write, int(given.bytes), source, given.gzip)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        sys.stderr.close()


if __name__ == "__main__":
    main()
