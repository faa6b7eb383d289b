"""Seals a file, and opens a sealed file, with a network of four blocks."""

import zlib
from functools import partial
from pathlib import Path

from penstock.blocks import ByteTransformer, Network, StreamSource, StreamTarget, Threads
from penstock.samples.streams.frames import Opener, Sealer, Secret

__all__ = ["open_sealed", "seal"]


async def seal(source: Path, target: Path, secret: Secret) -> None:
    """Compress and encrypt a file."""
    await _run(
        StreamSource(source, name="read"),
        ByteTransformer(zlib.compressobj, executor=Threads(1), name="compress"),
        ByteTransformer(partial(Sealer, secret), executor=Threads(1), name="encrypt"),
        StreamTarget(target, name="write"),
    )


async def open_sealed(source: Path, target: Path, secret: Secret) -> None:
    """Decrypt and decompress a sealed file; the target is there only if the file is whole and as it was sealed."""
    await _run(
        StreamSource(source, name="read"),
        ByteTransformer(partial(Opener, secret), executor=Threads(1), name="decrypt"),
        ByteTransformer(zlib.decompressobj, executor=Threads(1), name="decompress"),
        StreamTarget(target, name="write"),
    )


async def _run(source: StreamSource, first: ByteTransformer, second: ByteTransformer, target: StreamTarget) -> None:
    source.link_target(first)
    first.link_target(second)
    second.link_target(target)
    async with Network(source):
        pass
