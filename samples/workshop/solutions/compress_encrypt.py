"""Exercise 8: compress and encrypt a stream of bytes."""

import zlib
from collections.abc import Callable, Iterable

import trio

from penstock.blocks import Call, IterableSource, Network, Threads, Transformer, TransformMany
from penstock.samples.workshop.cipher import Cipher


async def seal(pieces: Iterable[bytes], cipher: Cipher, write: Callable[[bytes], object]) -> None:
    """Compresses the pieces as one stream, encrypts it, and writes it piece by piece."""
    packer = zlib.compressobj()

    def compress(piece: bytes) -> list[bytes]:
        return [packer.compress(piece)]

    def finish() -> list[bytes]:
        return [packer.flush()]

    source = IterableSource(pieces, name="read")
    compressor = TransformMany(compress, at_end=finish, executor=Threads(1), capacity=4)
    encryptor = Transformer(cipher.encrypt, executor=Threads(1), capacity=4)
    writer = Call(write, name="write", capacity=4)
    source.link_target(compressor)
    compressor.link_target(encryptor)
    encryptor.link_target(writer)
    async with Network(source):
        pass


async def main() -> None:
    """Seals a text, and prints how long it was and is."""
    text = [f"line {number}: the mill stood by the river and turned\n".encode() for number in range(1000)]
    sealed: list[bytes] = []
    await seal(text, Cipher(b"secret"), sealed.append)
    print(sum(map(len, text)), "bytes became", sum(map(len, sealed)))


if __name__ == "__main__":
    trio.run(main)
