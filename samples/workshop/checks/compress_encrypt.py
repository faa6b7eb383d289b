"""Exercise 8: opens what the learner's stages have sealed, and checks how it was made."""

from __future__ import annotations

import random
import threading
import zlib
from collections.abc import Iterable, Iterator
from types import ModuleType

from penstock.blocks import Stalled
from penstock.samples.workshop.cipher import Cipher
from penstock.samples.workshop.laws import Refused, part, require, run

__all__ = ["HINTS", "check"]

HINTS = (
    "`compress` returns a list of one: `[packer.compress(piece)]`. Then `TransformMany(compress, at_end=finish)`.",
    "`finish` takes no arguments and returns `[packer.flush()]`.",
    "`Transformer(cipher.encrypt, executor=Threads(1))` and `Call(write)`: link them, and run `Network(source)`.",
    "A block holds up to 1024 items. With `capacity=4` for each, a quick reader does not run far ahead.",
)
KEY = b"workshop"
ERRORS: dict[type[BaseException], str] = {
    Stalled: "A block leads nowhere. Link read, compress, encrypt and write in a line.",
    TimeoutError: "The network has to end by itself after the last piece; leave the body of the `async with`.",
}
LAW = "with the key, the stream comes back"
SECONDS = 15.0


def check(answer: ModuleType) -> str:
    """Check the answer; return what was seen."""
    part(answer, "seal")
    dice = random.Random(8)
    _check_sealed(answer, [b"the mill stood by the river. " * 40] * 50)
    for _ in range(8):
        _check_sealed(answer, [dice.randbytes(dice.choice((0, 1, 50, 5000))) for _ in range(dice.randrange(12))])
    _check_flow(answer, dice)
    return "every stream could be opened again, and bytes are written while others are still read"


def _seal(answer: ModuleType, pieces: Iterable[bytes]) -> tuple[bytes, Cipher]:
    written: list[bytes] = []
    cipher = Cipher(KEY)

    async def main() -> None:
        await answer.seal(pieces, cipher, written.append)

    run(main, answer=answer, hints=ERRORS, within=SECONDS, real_time=True)
    return b"".join(written), cipher


def _check_sealed(answer: ModuleType, pieces: list[bytes]) -> None:
    plain = b"".join(pieces)
    sealed, cipher = _seal(answer, pieces)
    seen = f"{len(pieces)} pieces with {len(plain)} bytes became {len(sealed)} bytes that cannot be opened"
    unpacker = zlib.decompressobj()
    try:
        opened = unpacker.decompress(Cipher(KEY).encrypt(sealed))
    except zlib.error:
        raise Refused(LAW, seen, _why(sealed, plain)) from None
    if unpacker.unused_data:
        hint = "Each piece was compressed by itself. Make one `zlib.compressobj()` for the whole stream."
        raise Refused("the pieces are compressed together", f"only {len(opened)} of {len(plain)} bytes came back", hint)
    hint = "The end is missing. `compressobj` keeps bytes back until `flush()`: `TransformMany(…, at_end=…)`."
    require(opened == plain and unpacker.eof, LAW, f"{len(opened)} of {len(plain)} bytes came back", hint)
    require(
        not cipher.threads or threading.get_ident() not in cipher.threads,
        "the loop stays free",
        "`encrypt` was called in the thread of the loop",
        "Give both stages a thread of their own: `executor=Threads(1)`.",
    )


def _why(sealed: bytes, plain: bytes) -> str:
    """What may be wrong with bytes that cannot be opened."""
    if _unpacked(sealed) is not None:
        return "Compressed last, or not encrypted. Encrypted bytes look like noise, and zlib cannot make noise shorter."
    if Cipher(KEY).encrypt(sealed) == plain:
        return "It is encrypted, and not compressed. Which stage comes before `encrypt`?"
    return "Did each piece go through the same cipher, once, in order? `concurrency` must be 1."


def _unpacked(data: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(data)
    except zlib.error:
        return None


def _check_flow(answer: ModuleType, dice: random.Random) -> None:
    """The first bytes must be written long before the last piece is read."""
    total, count = 3000, 0
    first: list[int] = []

    def read() -> Iterator[bytes]:
        nonlocal count
        for _ in range(total):
            count += 1
            yield dice.randbytes(1000)

    def write(piece: bytes) -> None:
        if piece and not first:
            first.append(count)

    async def main() -> None:
        await answer.seal(read(), Cipher(KEY), write)

    run(main, answer=answer, hints=ERRORS, within=SECONDS, real_time=True)
    require(
        bool(first) and first[0] < total // 2,
        "the first bytes are written long before the last piece is read",
        f"of {total} pieces, {first[0] if first else total} were read before the first byte was written",
        "Something collects the stream, or the blocks have room for all of it. Give each of them a `capacity`.",
    )
