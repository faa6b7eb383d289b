"""The block that reads a file or a stream of trio."""

import io
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import memory_stream_pair

from penstock.blocks import Call, IterableSource, Network, StreamSource, Take, UnboundedBuffer
from penstock.blocks.streams.files import Claim
from penstock.blocks.streams.reading import read_file
from tests.blocks.tools import contents, faults, linked, notes

DATA = bytes(range(256)) * 4


async def read(where: Any, **options: Any) -> list[bytes]:
    """The chunks that a source gives."""
    source = StreamSource(where, name="in", **options)
    collector = linked(source)
    async with Network(source):
        pass
    return contents(collector)


class Watched(io.BytesIO):
    """A file that a test may look at after it was closed."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 300))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").write_bytes(DATA)
    return tmp_path / "data"


# Files


@pytest.mark.usefixtures("real_time")
async def test_it_reads_a_path_in_chunks(path: Path) -> None:
    assert await read(path) == [DATA]
    assert await read(str(path), chunk_size=1000) == [DATA[:1000], DATA[1000:]]


@pytest.mark.usefixtures("real_time")
async def test_it_reads_a_file_and_closes_it() -> None:
    file = Watched(DATA)
    assert b"".join(await read(file)) == DATA
    assert file.closed


@pytest.mark.usefixtures("real_time")
async def test_it_gives_what_is_there(path: Path) -> None:
    file = Watched(DATA)
    assert [len(chunk) for chunk in await read(file)] == [300, 300, 300, 124]
    with path.open("rb", buffering=0) as raw:
        assert await read(raw, chunk_size=600) == [DATA[:600], DATA[600:]]


@pytest.mark.usefixtures("real_time")
async def test_the_standard_input_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO(DATA)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
    assert await read(file) == [DATA]
    assert not file.closed


@pytest.mark.usefixtures("real_time")
async def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with faults(FileNotFoundError) as found:
        await read(tmp_path / "nothing")
    assert notes(found[0]) == ["in in"]


@pytest.mark.usefixtures("real_time")
async def test_a_file_is_closed_if_what_it_gives_is_not_needed() -> None:
    file = Watched(DATA)
    source, take = StreamSource(file), Take[bytes](1)
    source.link_target(take)
    collector = linked(take)
    async with Network(source):
        pass
    assert contents(collector) == [DATA[:300]]
    assert file.closed


@pytest.mark.usefixtures("real_time")
async def test_a_file_is_closed_after_a_fault_of_another_block() -> None:
    file = Watched(DATA)
    source = StreamSource(file)
    source.link_target(Call(lambda chunk: 1 // 0))
    with faults(ZeroDivisionError):
        async with Network(source):
            pass
    assert file.closed


@pytest.mark.usefixtures("real_time")
async def test_a_file_is_closed_after_a_cancellation() -> None:
    file = Watched(DATA)
    source = StreamSource(file)
    async with Network(source) as network:
        await source.receive()
        network.cancel()
    assert file.closed


@pytest.mark.usefixtures("real_time")
async def test_a_file_that_was_never_read_is_closed() -> None:
    file = Watched(DATA)
    with pytest.raises(ExceptionGroup):
        async with Network(StreamSource(file)):
            raise ValueError("before it begins")
    assert file.closed
    file = Watched(DATA)
    source = StreamSource(file)
    await source.aclose()
    assert file.closed
    assert [chunk async for chunk in running(source)] == []


def test_a_file_that_was_closed_before_a_worker_began_is_not_read() -> None:
    claim = Claim()
    assert claim.take()
    assert list(read_file("in", io.BytesIO(DATA), claim, 10)) == []


async def running(source: StreamSource) -> AsyncIterator[bytes]:
    async with Network(source):
        async for chunk in source:
            yield chunk


class Wrong(io.RawIOBase):
    """Gives an object of another kind."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def read(self, size: int = -1, /) -> Any:
        return self.answer


@pytest.mark.usefixtures("real_time")
async def test_a_file_that_does_not_wait_is_refused() -> None:
    with faults(BlockingIOError) as found:
        await read(Wrong(None))
    assert str(found[0]).startswith("stream source 'in': its file is in non-blocking mode; give it a stream of trio")


@pytest.mark.usefixtures("real_time")
async def test_a_file_that_gives_text_is_refused() -> None:
    with faults(TypeError) as found:
        await read(Wrong("text"))
    assert str(found[0]) == "stream source 'in': read() of its file must return bytes, got str"


# Streams


class WrongStream(trio.abc.ReceiveStream):
    """A stream that gives something else than bytes."""

    def __init__(self, gives: Any) -> None:
        self.gives = gives

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        given: bytes = self.gives
        return given

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize(("gives", "kind"), [(None, "NoneType"), ("text", "str"), (3, "int")])
async def test_a_stream_that_gives_no_bytes_is_refused(gives: object, kind: str) -> None:
    with faults(TypeError) as found:
        await read(WrongStream(gives))
    assert str(found[0]) == f"stream source 'in': receive_some() of its stream must return bytes, got {kind}"


class OneWay(trio.abc.ReceiveStream):
    """A stream with some chunks."""

    def __init__(self, *chunks: bytes, then: Any = trio.lowlevel.checkpoint) -> None:
        self.chunks = list(chunks)
        self.closed = False
        self.then = then

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        await trio.lowlevel.checkpoint()
        if not self.chunks:
            await self.then()
            return b""
        return bytearray(self.chunks.pop(0)[:max_bytes])

    async def aclose(self) -> None:
        self.closed = True
        await trio.lowlevel.checkpoint()


async def test_it_reads_a_stream_and_closes_it() -> None:
    stream = OneWay(b"one", b"two", b"three")
    assert await read(stream, chunk_size=4) == [b"one", b"two", b"thre"]
    assert stream.closed


async def test_a_stream_in_both_directions_stays_open() -> None:
    here, there = memory_stream_pair()
    await there.send_all(b"question")
    await there.send_eof()
    assert await read(here) == [b"question"]
    await here.send_all(b"answer")
    assert await there.receive_some() == b"answer"


async def fail() -> None:
    raise OSError("the cable is out")


async def test_an_error_of_a_stream_is_a_fault() -> None:
    stream = OneWay(b"one", then=fail)
    with faults(OSError) as found:
        await read(stream)
    assert notes(found[0]) == ["in in"]
    assert stream.closed


async def test_a_stream_is_closed_on_every_way_out() -> None:
    stream = OneWay(b"one", then=trio.sleep_forever)
    source = StreamSource(stream)
    async with Network(source) as network:
        assert await source.receive() == b"one"
        network.cancel()
    assert stream.closed
    stream = OneWay(b"one", b"two", then=trio.sleep_forever)
    source, take, results = StreamSource(stream), Take[bytes](1), UnboundedBuffer[bytes]()
    source.link_target(take)
    take.link_target(results)
    async with Network(source):
        pass
    assert contents(results) == [b"one"]
    assert stream.closed
    stream = OneWay(then=trio.sleep_forever)
    source, other = StreamSource(stream), IterableSource([0])
    other.link_target(Call(lambda item: 1 // item))
    with faults(ZeroDivisionError):
        async with Network(source, other):
            await source.receive()
    assert stream.closed


# Wrong arguments


@pytest.mark.usefixtures("real_time")
async def test_what_cannot_be_read_is_refused_at_once(path: Path) -> None:
    with pytest.raises(TypeError, match=r"^stream source 'in': needs a path, a binary file or a stream of trio, got 5"):
        StreamSource(5, name="in")  # type: ignore[arg-type]  # that is the point
    with path.open() as text, pytest.raises(TypeError, match=r"a text file; open it with mode 'rb' or 'wb'"):
        StreamSource(text, name="in")  # type: ignore[arg-type]  # that is the point
    async with await trio.open_file(path, "rb") as later:
        with pytest.raises(TypeError, match=r"give it the path, or the file in `wrapped`"):
            StreamSource(later, name="in")  # type: ignore[arg-type]  # that is the point
    for size in (0, True, 1.5):
        with pytest.raises(ValueError, match=r"^stream source 'in': chunk_size must be an int >= 1, got"):
            StreamSource(path, chunk_size=size, name="in")  # type: ignore[arg-type]  # that is the point


def test_it_has_a_name_of_its_own() -> None:
    assert StreamSource(os.devnull).name.startswith("StreamSource-")
    assert str(StreamSource(os.devnull, name="in")) == "stream source 'in'"


@pytest.mark.usefixtures("real_time")
async def test_a_file_that_nothing_needs_is_closed_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"data")
    with (tmp_path / "data").open("rb") as file:
        source, other, take = StreamSource(file), UnboundedBuffer[bytes](), Take[bytes](1)
        source.link_target(take)
        other.link_target(take)
        await source.pause()
        async with Network(source, other):
            await other.send(b"other")
            assert [chunk async for chunk in take] == [b"other"]
        assert file.closed
