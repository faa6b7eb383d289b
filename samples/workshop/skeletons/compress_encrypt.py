"""Exercise 8: compress and encrypt a stream of bytes."""

from collections.abc import Callable, Iterable

import trio

from penstock.samples.workshop.cipher import Cipher


async def seal(pieces: Iterable[bytes], cipher: Cipher, write: Callable[[bytes], object]) -> None:
    """Compresses the pieces as one stream, encrypts it, and writes it piece by piece."""
    raise NotImplementedError


async def main() -> None:
    """Seals a text, and prints how long it was and is."""
    text = [f"line {number}: the mill stood by the river and turned\n".encode() for number in range(1000)]
    sealed: list[bytes] = []
    await seal(text, Cipher(b"secret"), sealed.append)
    print(sum(map(len, text)), "bytes became", sum(map(len, sealed)))


if __name__ == "__main__":
    trio.run(main)
