"""The block that sends bytes through a codec object."""

import bz2
import codecs
import gzip
import lzma
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from typing import Any, ClassVar

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks import (
    BoundedBuffer,
    ByteTransformer,
    IterableSource,
    Network,
    Processes,
    Take,
    Threads,
    UnboundedBuffer,
)
from tests.blocks.executors.kinds import ByHand
from tests.blocks.tools import contents, faults, linked, notes, run

MIB = 1024 * 1024
TEXT = b"a line of text, and another one\n" * 500
Make = Callable[[], object]


def gzip_compressor() -> object:
    return zlib.compressobj(wbits=31)


def gzip_decompressor() -> object:
    return zlib.decompressobj(31)


async def passed(make: Make, chunks: Iterable[bytes], **options: Any) -> bytes:
    """What a block makes of chunks."""
    block = ByteTransformer(make, name="block", **options)
    collector = linked(block)
    await run(block, chunks)
    made = contents(collector)
    assert all(0 < len(chunk) <= 256 * 1024 and type(chunk) is bytes for chunk in made)
    return b"".join(made)


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


class Encryptor:
    """An encryptor as in `cryptography`, that is simpler."""

    def __init__(self, key: int) -> None:
        self.key = key

    def update(self, data: bytes) -> bytes:
        return bytes(byte ^ self.key for byte in data)

    def finalize(self) -> bytes:
        return b"."


WAYS: dict[str, tuple[Make, Callable[[bytes], bytes]]] = {
    "gzip": (gzip_compressor, gzip.decompress),
    "zlib": (zlib.compressobj, zlib.decompress),
    "bzip2": (bz2.BZ2Compressor, bz2.decompress),
    "xz": (lzma.LZMACompressor, lzma.decompress),
    "hex": (codecs.getincrementalencoder("hex"), bytes.fromhex),  # type: ignore[dict-item]  # takes bytes, too
    "encryptor": (lambda: Encryptor(7), lambda data: Encryptor(7).update(data[:-1])),
    "decompressor of gzip": (gzip_decompressor, gzip.compress),
    "decompressor of bzip2": (bz2.BZ2Decompressor, bz2.compress),
    "decompressor of xz": (lzma.LZMADecompressor, lzma.compress),
    "decoder of hex": (codecs.getincrementaldecoder("hex"), lambda data: data.hex().encode()),
}
HEX = "hex"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [2, 1000, MIB])
async def test_the_bytes_of_all_chunks_go_through_one_object_which_is_finished(way: str, size: int) -> None:
    make, other_way = WAYS[way]
    if way in {"gzip", "zlib", "bzip2", "xz", "hex", "encryptor"}:
        made = await passed(make, cut(TEXT, size))
        assert (other_way(made.decode()) if way == HEX else other_way(made)) == TEXT  # type: ignore[arg-type]
    else:
        assert await passed(make, cut(other_way(TEXT), size)) == TEXT


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("executor", [Threads, ThreadPoolExecutor])
async def test_it_works_in_a_thread(executor: Any) -> None:
    with executor(2) as workers:
        packed = await passed(gzip_compressor, cut(TEXT, 99), executor=workers)
        assert gzip.decompress(packed) == TEXT
        assert await passed(gzip_decompressor, cut(packed, 7), executor=workers) == TEXT


@pytest.mark.usefixtures("real_time")
async def test_it_works_in_a_process() -> None:
    with Processes(1) as workers:
        assert await passed(bz2.BZ2Compressor, cut(TEXT, 5000), executor=workers) == bz2.compress(TEXT)


MEMBERS: dict[str, tuple[Callable[[bytes], bytes], Make]] = {
    "gzip": (gzip.compress, gzip_decompressor),
    "bzip2": (bz2.compress, bz2.BZ2Decompressor),
    "xz": (lzma.compress, lzma.LZMADecompressor),
}


@given(
    st.sampled_from(sorted(MEMBERS)),
    st.lists(st.binary(max_size=200), min_size=1, max_size=4),
    st.integers(0, 3),
    st.lists(st.integers(0, 300), max_size=12),
)
def test_any_chunks_of_any_members_give_the_same_bytes(
    kind: str, parts: list[bytes], padding: int, cuts: list[int]
) -> None:
    compress, make = MEMBERS[kind]
    data = b"".join(compress(part) + bytes(4 * padding) for part in parts)
    borders = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[start:end] for start, end in pairwise(borders)]
    assert trio.run(passed, make, chunks) == b"".join(parts)


@given(st.sampled_from(["gzip", "zlib", "bzip2", "xz", "encryptor"]), st.lists(st.binary(max_size=100), max_size=8))
def test_any_chunks_are_compressed_to_the_same_bytes(way: str, chunks: list[bytes]) -> None:
    make, other_way = WAYS[way]
    assert other_way(trio.run(passed, make, chunks)) == b"".join(chunks)


@pytest.mark.parametrize("kind", MEMBERS)
async def test_a_small_chunk_that_becomes_large_is_read_only_as_far_as_it_is_taken(kind: str) -> None:
    compress, make = MEMBERS[kind]
    block = ByteTransformer(make, name="block")
    chunks: BoundedBuffer[bytes] = BoundedBuffer(1)
    block.link_target(chunks)
    async with Network(block) as network:
        await block.send(compress(bytes(8 * MIB + 1)))
        assert len(await chunks.receive()) == 256 * 1024
        assert network.balance()["block"].produced <= 4
        size = 256 * 1024
        block.complete()
        async for chunk in chunks:
            size += len(chunk)
    assert size == 8 * MIB + 1


class Loose:
    """Decompresses as a package may do it, without a bound and without an end of its own."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)

    def decompress(self, data: bytes) -> bytes:
        return self._inner.decompress(data)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


async def test_an_object_without_a_bound_gives_its_bytes_in_chunks() -> None:
    assert await passed(Loose, [gzip.compress(bytes(MIB)) + gzip.compress(b"x")]) == bytes(MIB) + b"x"


class Counting(Loose):
    """Counts the bytes that it is given."""

    given: ClassVar[int] = 0

    def decompress(self, data: bytes) -> bytes:
        Counting.given += len(data)
        return super().decompress(data)


async def test_many_small_members_are_not_copied_again_and_again() -> None:
    Counting.given = 0
    member = gzip.compress(TEXT)
    large = gzip.compress(bytes(MIB), 0)
    data = member * 1000 + large + member
    assert await passed(Counting, cut(data, 256 * 1024)) == TEXT * 1000 + bytes(MIB) + TEXT
    assert Counting.given < 12 * len(data)


class Idle:
    """Has ended before it begins."""

    eof = True

    def __init__(self) -> None:
        self.unused_data = b""

    def decompress(self, data: bytes) -> bytes:
        self.unused_data = data
        return b""


async def test_an_object_that_takes_nothing_is_refused() -> None:
    with faults(ValueError) as found:
        await passed(Idle, [b"x"])
    assert "says that its data end before they begin" in str(found[0])


class Sealing:
    """Gives nothing at the end."""

    def update(self, data: bytes) -> bytearray:
        return bytearray(data)


@given(st.lists(st.binary(max_size=100), max_size=8))
def test_cryptography_encrypts_and_decrypts(chunks: list[bytes]) -> None:
    ciphers = pytest.importorskip("cryptography.hazmat.primitives.ciphers", reason="an extra")
    cipher = ciphers.Cipher(ciphers.algorithms.AES(bytes(32)), ciphers.modes.CTR(bytes(16)))
    sealed = trio.run(passed, cipher.encryptor, chunks)
    assert len(sealed) == len(b"".join(chunks))
    assert trio.run(passed, cipher.decryptor, [sealed[:7], sealed[7:]]) == b"".join(chunks)


async def test_an_object_that_has_no_end_gives_nothing_more() -> None:
    assert await passed(Sealing, [b"one", bytes(MIB), b"two"]) == b"one" + bytes(MIB) + b"two"


async def test_what_is_not_bytes_but_has_bytes_is_taken() -> None:
    numbers: Any = [bytearray(b"one"), memoryview(b"two"), array("I", [1, 2]), memoryview(array("I", [3]))]
    made = await passed(Sealing, numbers)
    assert made == b"onetwo" + array("I", [1, 2, 3]).tobytes()
    packed: Any = [memoryview(array("B", gzip.compress(b"one") + bytes(5))), bytearray(gzip.compress(b"two"))]
    assert await passed(gzip_decompressor, packed) == b"onetwo"


async def test_an_empty_input_is_compressed_too() -> None:
    assert gzip.decompress(await passed(gzip_compressor, [])) == b""
    assert gzip.decompress(await passed(gzip_compressor, [b"", b""])) == b""


# Faults


@pytest.mark.parametrize(
    ("kind", "name"), [("gzip", "gzip member"), ("bzip2", "bzip2 stream"), ("xz", "xz stream")], ids=str
)
async def test_an_input_that_was_cut_off_is_a_fault_that_says_where(kind: str, name: str) -> None:
    compress, make = MEMBERS[kind]
    whole, cut_off = compress(TEXT), compress(b"and this")[:-9]
    with faults(EOFError) as found:
        await passed(make, cut(whole + cut_off, 11))
    size = len(whole) + len(cut_off)
    assert str(found[0]) == (
        f"byte transformer 'block': the input ended in the middle of a {name} (number 2, from byte {len(whole)} on), "
        f"after {size} bytes; it was cut off"
    )


async def test_an_input_that_was_cut_off_in_its_first_byte_is_a_fault_too() -> None:
    with faults(EOFError) as found:
        await passed(gzip_decompressor, [b"\x1f"])
    assert "in the middle of a compressed member (number 1, from byte 0 on), after 1 bytes" in str(found[0])


async def test_no_input_is_no_compressed_data() -> None:
    with faults(EOFError) as found:
        await passed(gzip_decompressor, [b""])
    assert "byte transformer 'block': the input is empty" in str(found[0])


async def test_damaged_data_are_a_fault_that_says_where() -> None:
    with faults(zlib.error) as found:
        await passed(gzip_decompressor, [gzip.compress(b"one"), b"\0\0no", b"gz"])
    assert notes(found[0])[0] == (
        "in compressed member 2, which begins at byte 25 of the input, in the chunk that begins at byte 23"
    )


class Breaks(Sealing):
    """Takes three bytes only."""

    def update(self, data: bytes) -> bytearray:
        if data == b"four":
            raise ValueError("not four")
        return super().update(data)


async def test_an_error_of_an_object_is_a_fault_that_says_where() -> None:
    with faults(ValueError) as found:
        await passed(Breaks, [b"one", b"two", b"four", b"five"])
    assert notes(found[0]) == ["in the chunk that begins at byte 6 of the input", "in block, item 3: b'four'"]


async def test_text_is_no_chunk() -> None:
    with faults(TypeError) as found:
        await passed(gzip_compressor, ["text"])  # type: ignore[list-item]  # that is the point
    assert str(found[0]) == (
        "byte transformer 'block': needs bytes, got str 'text'; encode it first, for example with encode('utf-8')"
    )
    with faults(TypeError) as found:
        await passed(gzip_compressor, [3])  # type: ignore[list-item]  # that is the point
    assert str(found[0]) == "byte transformer 'block': needs bytes, got int 3"


async def test_an_object_that_gives_text_is_refused() -> None:
    with faults(TypeError) as found:
        await passed(codecs.getincrementaldecoder("utf-8"), [b"text"])
    assert "must return bytes, got str; to give text, use a TransformMany with at_end=" in str(found[0])


async def test_an_object_that_gives_nothing_is_refused() -> None:
    class Silent:
        def update(self, data: bytes) -> None: ...

    with faults(TypeError) as found:
        await passed(Silent, [b"x"])
    assert "update() of <" in str(found[0])
    assert "must return bytes, got NoneType" in str(found[0])


async def test_what_is_no_codec_object_is_refused() -> None:
    with faults(TypeError) as found:
        await passed(object, [b"x"])
    assert "make() must return an object with one of the methods compress, decompress, update" in str(found[0])


async def test_an_object_that_is_given_twice_is_refused() -> None:
    one = zlib.decompressobj(31)
    with faults(TypeError) as found:
        await passed(lambda: one, [gzip.compress(b"x") * 2])
    assert "make() must return a new object at each call" in str(found[0])


def coroutine() -> Any:
    async def make() -> object: ...

    return make


@pytest.mark.parametrize(
    ("make", "message"),
    [(zlib.compressobj(), "must be a function that returns a codec object"), (coroutine(), "must be a plain function")],
)
def test_what_makes_no_codec_object_is_refused_at_once(make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^byte transformer 'zip': make {message}"):
        ByteTransformer(make, name="zip")
    with pytest.raises(TypeError, match=f"^byte transformer: make {message}"):
        ByteTransformer(make)


def test_an_executor_without_one_place_for_the_object_is_refused() -> None:
    message = "^byte transformer 'zip': the codec object needs an executor with one worker, .* Processes\\(1\\)"
    with Processes(2) as workers, pytest.raises(ValueError, match=message):
        ByteTransformer(gzip_compressor, executor=workers, name="zip")
    with pytest.raises(TypeError, match=r"^byte transformer 'zip': the codec object needs one place"):
        ByteTransformer(gzip_compressor, executor=ByHand(), name="zip")


def test_its_name_is_that_of_the_function_that_makes_the_object() -> None:
    assert str(ByteTransformer(zlib.compressobj)) == "byte transformer 'compressobj'"
    assert ByteTransformer(lambda: zlib.compressobj()).name.startswith("ByteTransformer")


# The end


class Watched(Sealing):
    """Records its end."""

    ended: list[str]

    def __init__(self) -> None:
        self.ended = []

    def flush(self) -> bytes:
        self.ended.append("ended")
        return b"end"


async def test_after_a_fault_or_a_cancellation_it_is_not_finished() -> None:
    codec = Watched()
    with ExitStack() as stack:
        stack.enter_context(faults(TypeError))
        await passed(lambda: codec, [b"x", None])  # type: ignore[list-item]  # that is the point
    assert codec.ended == []
    block = ByteTransformer(lambda: codec)
    linked(block)
    async with Network(block) as network:
        await block.send(b"x")
        network.cancel()
    assert codec.ended == []
    await passed(lambda: codec, [b"x"])
    assert codec.ended == ["ended"]


async def test_what_is_not_needed_is_not_finished() -> None:
    codec = Watched()
    source = IterableSource([b"x"] * 100)
    block = ByteTransformer(lambda: codec)
    take: Take[bytes] = Take(3)
    results: UnboundedBuffer[bytes] = UnboundedBuffer()
    source.link_target(block)
    block.link_target(take)
    take.link_target(results)
    async with Network(source):
        pass
    assert contents(results) == [b"x"] * 3
    assert codec.ended == []
