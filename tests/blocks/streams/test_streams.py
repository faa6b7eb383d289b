"""Blocks as streams of trio: `send_stream` and `receive_stream`."""

import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import check_one_way_stream, wait_all_tasks_blocked

from penstock.blocks import (
    BoundedBuffer,
    ByteTransformer,
    Call,
    IterableSource,
    Network,
    Stalled,
    Transformer,
    UnboundedBuffer,
    receive_stream,
    send_stream,
)
from tests.blocks.tools import contents, faults, linked, notes


def pipe(capacity: int = 1) -> tuple[Any, Any, BoundedBuffer[bytes]]:
    buffer: BoundedBuffer[bytes] = BoundedBuffer(capacity, name="pipe")
    return send_stream(buffer), receive_stream(buffer), buffer


# The contract of trio


async def test_a_pair_over_a_buffer_keeps_the_contract_of_trio() -> None:
    async def make() -> tuple[Any, Any]:
        return pipe()[:2]

    await check_one_way_stream(make, None)


async def test_a_closed_call_that_waits_ends() -> None:
    sender, receiver, _ = pipe()
    await sender.send_all(b"full")

    async def send() -> None:
        with pytest.raises(trio.ClosedResourceError, match=r"^writer to 'pipe' was closed"):
            await sender.send_all(b"more")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError, match=r"^writer to 'pipe': send_all while another task"):
            await sender.send_all(b"x")
        with pytest.raises(trio.BusyResourceError):
            await sender.wait_send_all_might_not_block()
        await sender.aclose()
    with pytest.raises(trio.BrokenResourceError, match="closed during a send_all"):
        await receiver.receive_some()


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_data_are_sent_in_chunks_that_are_not_too_large(kind: Any) -> None:
    sender, receiver, buffer = pipe(100)
    data = bytes(range(256)) * 4096
    await sender.send_all(kind(data))
    await sender.send_all(kind(b""))
    await sender.aclose()
    assert len(buffer) == 4
    assert await receiver.receive_some(10) == data[:10]
    parts = [data[:10]]
    async for part in receiver:
        assert type(part) is bytes
        parts.append(part)
    assert b"".join(parts) == data
    assert await receiver.receive_some() == b""


@given(st.lists(st.binary(max_size=20), max_size=8), st.lists(st.integers(1, 9), min_size=1))
def test_any_chunks_in_and_any_pieces_out_are_the_same_bytes(chunks: list[bytes], sizes: list[int]) -> None:
    async def main() -> bytes:
        sender, receiver, _ = pipe(100)
        for chunk in chunks:
            await sender.send_all(chunk)
        await sender.aclose()
        parts = [b""]
        for size in sizes * 100:
            part = await receiver.receive_some(size)
            assert len(part) <= size
            parts.append(part)
        return b"".join(parts)

    assert trio.run(main) == b"".join(chunks)


async def test_an_empty_chunk_is_not_the_end() -> None:
    buffer: BoundedBuffer[Any] = BoundedBuffer(5)
    for chunk in (b"", b"one", b"", bytearray(b"two"), b""):
        await buffer.send(chunk)
    buffer.complete()
    async with receive_stream(buffer) as receiver:
        assert [part async for part in receiver] == [b"one", b"two"]


async def test_it_is_a_stream_around_blocks_of_a_running_network() -> None:
    pack, unpack = ByteTransformer(zlib.compressobj), ByteTransformer(zlib.decompressobj)
    pack.link_target(unpack)
    got: list[bytes] = []

    async def read() -> None:
        async with receive_stream(unpack) as receiver:
            got.extend([bytes(part) async for part in receiver])

    async with Network(pack), trio.open_nursery() as nursery:
        nursery.start_soon(read)
        async with send_stream(pack) as sender:
            for number in range(1000):
                await sender.send_all(b"%d\n" % number)
    assert b"".join(got) == b"".join(b"%d\n" % number for number in range(1000))


# What is not complete does not look complete


class Broken(Exception):
    """What a writer raises."""


@asynccontextmanager
async def swallowed() -> AsyncGenerator[None]:
    with suppress(Broken):
        yield


@asynccontextmanager
async def cancelled() -> AsyncGenerator[None]:
    with trio.CancelScope() as scope:
        scope.cancel()
        yield
    assert scope.cancelled_caught


async def write(sender: Any, *chunks: bytes, error: BaseException | None = None) -> None:
    async with sender:
        for chunk in chunks:
            await sender.send_all(chunk)
        if error is not None:
            raise error


async def test_a_writer_that_raises_stops_a_buffer_without_a_network() -> None:
    sender, receiver, _ = pipe(3)
    with pytest.raises(Broken):
        await write(sender, b"half", error=Broken("disk full"))
    with pytest.raises(
        trio.BrokenResourceError,
        match=r"^cannot receive from bounded buffer 'pipe': writer to 'pipe' was left by Broken\('disk full'\): its",
    ):
        await receiver.receive_some()


async def write_half(pack: Any, error: BaseException | None = None) -> None:
    await write(send_stream(pack, name="upload"), b"half", error=error)


def packing() -> tuple[ByteTransformer, UnboundedBuffer[bytes]]:
    pack = ByteTransformer(lambda: zlib.compressobj(wbits=31), name="pack")
    return pack, linked(pack)


async def test_its_error_comes_out_of_the_network_once_and_nothing_is_finished() -> None:
    pack, collector = packing()
    error = Broken("disk full")
    with faults(Broken) as found:
        async with Network(pack):
            await write_half(pack, error)
    assert found == [error]
    assert notes(error) == ["in upload"]
    assert contents(collector) == []


async def test_its_error_comes_out_of_the_network_even_if_it_is_caught() -> None:
    pack, _ = packing()
    error = Broken("disk full")
    with faults(Broken) as found:
        async with Network(pack):
            async with swallowed():
                await write_half(pack, error)
            await trio.sleep(1)
    assert found == [error]


async def test_its_error_comes_out_of_the_network_once_through_tasks() -> None:
    pack, _ = packing()
    error = Broken("disk full")
    with faults(Broken) as found:
        async with Network(pack), trio.open_nursery() as nursery:
            nursery.start_soon(write_half, pack, error)
            nursery.start_soon(trio.sleep_forever)
    assert found == [error]


async def test_a_writer_outside_the_network_stops_it_too() -> None:
    pack, _ = packing()
    error = Broken("disk full")
    pack_read = receive_stream(_)

    async def write_in_background() -> None:
        async with swallowed():
            await write_half(pack, error)

    async with trio.open_nursery() as nursery:
        with faults(Broken) as found:
            async with Network(pack):
                nursery.start_soon(write_in_background)
                await trio.sleep(1)
        assert found == [error]
        with pytest.raises(
            trio.BrokenResourceError, match=r"was stopped, after a fault in upload: Broken\('disk full'\)"
        ):
            await pack_read.receive_some()


async def test_a_cancelled_writer_is_a_fault_of_the_network() -> None:
    pack, _ = packing()
    with faults(trio.BrokenResourceError) as found:
        async with Network(pack):
            async with cancelled():
                await write_half(pack)
            await trio.sleep(1)
    assert str(found[0]) == "upload was left by a cancellation: its stream ends before its end"


async def test_a_writer_that_is_cancelled_with_the_network_is_no_fault() -> None:
    pack, _ = packing()
    async with cancelled(), Network(pack):
        await write_half(pack)
    pack, _ = packing()
    async with Network(pack) as network:
        network.cancel()
        await write_half(pack)
    pack, packed = packing()
    async with Network(pack) as network:
        receiver, sender = receive_stream(packed), send_stream(pack)
        network.cancel()
        async with swallowed(), sender:
            raise Broken
        await receiver.aclose()


async def test_after_a_cancelled_send_all_the_stream_is_broken() -> None:
    sender, receiver, _ = pipe()
    await sender.send_all(b"full")
    with trio.move_on_after(1):
        await sender.send_all(b"more")
    for _ in range(2):
        with pytest.raises(
            trio.BrokenResourceError, match=r"^writer to 'pipe': a send_all was cancelled, and it is not"
        ):
            await sender.send_all(b"x")
    with pytest.raises(trio.BrokenResourceError, match="a send_all was cancelled"):
        await sender.wait_send_all_might_not_block()
    assert "broken" in repr(sender)
    await sender.aclose()
    with pytest.raises(trio.BrokenResourceError, match="writer to 'pipe' was left by BrokenResourceError"):
        await receiver.receive_some()


async def test_a_cancelled_close_is_not_the_end() -> None:
    sender, receiver, _ = pipe()
    async with cancelled():
        await sender.aclose()
    with pytest.raises(trio.BrokenResourceError, match="was left by a cancellation"):
        await receiver.receive_some()


async def test_a_stream_that_is_never_closed_is_not_complete() -> None:
    sender, receiver, _ = pipe()
    streams = [sender]
    del sender
    with pytest.warns(ResourceWarning, match=r"writer to 'pipe' open> was never closed"):
        streams.clear()
    with pytest.raises(trio.BrokenResourceError, match="writer to 'pipe' was not closed"):
        await receiver.receive_some()


@pytest.mark.usefixtures("real_time")
async def test_a_stream_that_is_forgotten_in_a_thread_is_not_complete() -> None:
    pack, _ = packing()

    def forget(streams: list[Any]) -> None:
        with pytest.warns(ResourceWarning):
            streams.clear()

    with faults(trio.BrokenResourceError) as found:
        async with Network(pack):
            await trio.to_thread.run_sync(forget, [send_stream(pack, name="upload")])
            await trio.sleep_forever()
    assert str(found[0]) == "upload was not closed: its stream ends before its end"


async def test_a_network_that_has_ended_does_not_care() -> None:
    pack, _ = packing()
    with faults(Stalled):
        async with Network(pack):
            sender = send_stream(pack)
    with pytest.raises(
        trio.BrokenResourceError, match=r"^writer to 'pack': byte transformer 'pack' is broken: its netw"
    ):
        await sender.send_all(b"x")
    async with swallowed(), sender:
        raise Broken


async def test_a_fault_elsewhere_is_not_repeated() -> None:
    pack, _ = packing()
    other: Call[int] = Call(lambda item: 1 // item)
    with faults(ZeroDivisionError):
        async with Network(pack, other), send_stream(pack):
            await other.send(0)
            await trio.sleep(1)


# A reader that stops early


async def test_a_reader_that_stops_ends_what_feeds_it() -> None:
    source: IterableSource[bytes] = IterableSource([b"chunk"] * 1000)
    same: Transformer[bytes, bytes] = Transformer(bytes, name="same")
    source.link_target(same)
    async with Network(source) as network:
        async with receive_stream(same) as receiver:
            assert await receiver.receive_some(2) == b"ch"
            await wait_all_tasks_blocked()  # the stage is full
        assert "closed" in repr(receiver)
    balance = network.balance()
    assert balance["same"].received == 1
    assert sum(block.discarded for block in balance.blocks) > 0


async def test_a_writer_hears_that_its_reader_has_stopped() -> None:
    pipe_: BoundedBuffer[bytes] = BoundedBuffer(1, name="pipe")
    async with Network(pipe_) as network, trio.open_nursery() as nursery:

        async def write_on() -> None:
            with pytest.raises(trio.BrokenResourceError, match=r"^writer to 'pipe': its reader has stopped before the"):
                await write(send_stream(pipe_), *[b"chunk"] * 100)

        nursery.start_soon(write_on)
        other = send_stream(pipe_, name="other")
        async with receive_stream(pipe_) as receiver:
            await receiver.receive_some()
        await wait_all_tasks_blocked()
        with pytest.raises(trio.BrokenResourceError, match=r"^other: its reader has stopped"):
            await other.wait_send_all_might_not_block()
        await other.aclose()
    assert network.balance()["pipe"].held == 0


async def test_a_writer_without_a_network_hears_it_too() -> None:
    sender, receiver, _ = pipe()
    await receiver.aclose()
    with pytest.raises(trio.BrokenResourceError, match=r"is broken: its reader has stopped before the end \(reader of"):
        await sender.send_all(b"x")
    await sender.aclose()


async def test_a_writer_that_waits_hears_of_the_fault_that_stops_the_network() -> None:
    buffer: BoundedBuffer[bytes] = BoundedBuffer(1, name="pipe")
    other: Call[int] = Call(lambda item: 1 // item, name="other")
    sender = send_stream(buffer)

    async def write_on() -> None:
        with pytest.raises(
            trio.BrokenResourceError, match=r"'pipe' is broken: .*, after a fault in other, item 1: 0: Zer"
        ):
            await write(sender, b"one", b"two")

    async with trio.open_nursery() as nursery:
        with faults(ZeroDivisionError):
            async with Network(buffer, other):
                nursery.start_soon(write_on)
                await wait_all_tasks_blocked()
                await other.send(0)
                await trio.sleep(1)


async def test_a_reader_that_waits_hears_the_end() -> None:
    sender, receiver, _ = pipe()
    got: list[bytes] = []

    async def read() -> None:
        got.append(await receiver.receive_some())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        await sender.aclose()
    assert got == [b""]
    assert "at its end" in repr(receiver)
    await receiver.aclose()


async def test_a_source_that_others_read_goes_on() -> None:
    buffer: UnboundedBuffer[bytes] = UnboundedBuffer()
    items: list[bytes] = []
    async with Network(buffer):
        receiver = receive_stream(buffer)
        await buffer.send(b"one")
        assert await receiver.receive_some() == b"one"
        buffer.link_target(Call(items.append))
        await receiver.aclose()
        await buffer.send(b"two")
    assert items == [b"two"]


async def test_a_filter_that_declines_data_breaks_the_stream() -> None:
    buffer: UnboundedBuffer[bytes] = UnboundedBuffer(filter=lambda chunk: chunk != b"no", name="picky")
    sender = send_stream(buffer)
    with pytest.raises(trio.BrokenResourceError, match="the filter of unbounded buffer 'picky' declined"):
        await sender.send_all(b"no")
    await sender.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await receive_stream(buffer).receive_some()


# Wrong arguments


async def test_what_is_no_block_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^send_stream needs a target, a block that takes bytes, got 5"):
        send_stream(5)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(TypeError, match=r"^receive_stream needs a source, a block that gives bytes, got 5"):
        receive_stream(5)  # type: ignore[arg-type]  # that is the point


async def test_data_and_sizes_are_checked() -> None:
    sender, receiver, buffer = pipe()
    with pytest.raises(TypeError, match=r"^writer to 'pipe': needs bytes, got str 'text'; encode it first"):
        await sender.send_all("text")
    with pytest.raises(ValueError, match=r"^reader of 'pipe': max_bytes must be >= 1, got 0"):
        await receiver.receive_some(0)
    with pytest.raises(TypeError, match=r"^reader of 'pipe': max_bytes must be an int or None, got 1.5"):
        await receiver.receive_some(1.5)
    await sender.aclose()
    async with swallowed(), sender:  # a second end changes nothing
        raise Broken
    wrong: Any = BoundedBuffer(1, name="wrong")
    await wrong.send("text")
    with pytest.raises(TypeError, match=r"^reader of 'wrong': needs bytes, got str 'text'"):
        await receive_stream(wrong).receive_some()
    assert "open" in repr(receiver)
    assert "closed" in repr(sender)
    del buffer


async def test_a_stream_and_its_block_are_found_by_the_deadlock_detection() -> None:
    buffer: BoundedBuffer[bytes] = BoundedBuffer(1, name="pipe")
    with faults(Stalled) as found:
        async with Network(buffer), send_stream(buffer) as sender:
            await sender.send_all(b"one")
            await sender.send_all(b"two")
    assert "pipe" in str(found[0])
