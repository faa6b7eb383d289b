"""Blocks as file objects for worker threads: `open_reader` and `open_writer`."""

import csv
import gzip
import io
import shutil
import threading
import zipfile
from collections.abc import Callable
from typing import Any, cast

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import (
    BoundedBuffer,
    Call,
    IterableSource,
    Network,
    Stalled,
    StreamSource,
    Threads,
    Transformer,
    UnboundedBuffer,
    open_reader,
    open_writer,
    receive_stream,
    send_stream,
)
from penstock.blocks.streams import bridge
from tests.blocks.executors.kinds import comes_true
from tests.blocks.tools import contents, faults, linked, notes

pytestmark = pytest.mark.usefixtures("real_time")

DATA = bytes(range(256)) * 4000
run_in_trio = trio.to_thread.run_sync


async def run_in_plain_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a thread that trio does not know."""
    results: list[Any] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(function(*args))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    await comes_true(lambda: not thread.is_alive())
    if errors:
        raise errors[0]
    return results[0]


KINDS = {"trio": run_in_trio, "plain": run_in_plain_thread}
in_threads = pytest.mark.parametrize("run", list(KINDS.values()), ids=list(KINDS))


def buffer(capacity: int = 2) -> BoundedBuffer[bytes]:
    return BoundedBuffer(capacity, name="pipe")


# Reading and writing


@in_threads
async def test_what_is_written_in_a_thread_is_read_in_another(run: Any) -> None:
    pipe = buffer()
    got: list[bytes] = []

    def write(file: Any) -> None:
        with file:
            shutil.copyfileobj(io.BytesIO(DATA), file, 1000)

    def read(file: Any) -> None:
        with file:
            got.append(file.read(3))
            got.append(file.read())
            got.append(file.read())

    async with Network(pipe), trio.open_nursery() as nursery:
        nursery.start_soon(run, write, open_writer(pipe))
        nursery.start_soon(run, read, open_reader(pipe))
    assert got == [DATA[:3], DATA[3:], b""]


async def test_the_chunks_have_the_usual_size() -> None:
    pipe = UnboundedBuffer[bytes]()
    file = open_writer(pipe)

    def write() -> None:
        with file:
            for _ in range(100_000):
                file.write(b"0123456789")

    await run_in_trio(write)
    sizes = [len(chunk) for chunk in contents(pipe)]
    assert len(sizes) == 4
    assert sum(sizes) == 1_000_000
    assert max(sizes) <= 262_144


async def test_libraries_that_need_files_work_with_blocks() -> None:
    pipe, table = buffer(), buffer()
    rows: list[list[str]] = []

    def pack(file: Any) -> None:
        with file, gzip.GzipFile(fileobj=file, mode="wb") as packed, io.TextIOWrapper(packed) as text:
            csv.writer(text).writerows([["a", "b"], ["1", "2"]])

    def unpack(file: Any) -> None:
        with file, gzip.open(file, "rt") as text:
            rows.extend(csv.reader(text))

    async with Network(pipe, table), trio.open_nursery() as nursery:
        nursery.start_soon(run_in_trio, pack, open_writer(pipe))
        nursery.start_soon(run_in_trio, unpack, open_reader(pipe))
    assert rows == [["a", "b"], ["1", "2"]]


async def test_an_archive_is_written_into_a_block() -> None:
    results: UnboundedBuffer[bytes] = UnboundedBuffer()
    file = open_writer(results)

    def write() -> None:
        with file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("data", DATA)

    await run_in_trio(write)
    with zipfile.ZipFile(io.BytesIO(b"".join(contents(results)))) as archive:
        assert archive.read("data") == DATA


async def test_a_function_of_a_block_may_read_another_block_in_its_thread() -> None:
    source = IterableSource([b"one\n", b"two\n"] * 50)
    lines: Transformer[Any, int] = Transformer(lambda file: len(file.readlines()), executor=Threads(1), name="count")
    counts = linked(lines)
    files = IterableSource([open_reader(source)])
    files.link_target(lines)
    async with Network(source, files):
        pass
    assert contents(counts) == [100]


async def test_a_file_can_be_made_before_trio_runs_only_for_blocks_of_a_running_network() -> None:
    made: list[Any] = []

    def make() -> None:
        pipe = buffer()
        pipe.send_nowait(b"x")
        made.extend([pipe, open_reader(pipe, name="early")])

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    pipe, file = made
    with pytest.raises(RuntimeError, match=r"^early: it is not known in which loop its block will run; open it in the"):
        await run_in_plain_thread(file.read, 1)
    async with Network(pipe):
        assert await run_in_plain_thread(file.read, 1) == b"x"
        file.close()


# The thread of the loop


async def test_in_the_thread_of_the_loop_it_raises_at_once() -> None:
    pipe = buffer()
    reader, writer = open_reader(pipe), open_writer(pipe)
    with pytest.raises(
        RuntimeError, match=r"^reader of 'pipe': read\(\) was called in the thread of the loop, which wo"
    ):
        reader.read(1)
    assert "open" in repr(reader.raw)
    assert "open" in repr(writer.raw)
    writer.write(b"x")
    with pytest.raises(RuntimeError, match=r"^writer to 'pipe': write\(\) was called in the thread of the loop"):
        writer.close()
    assert "closed" in repr(writer.raw)
    with pytest.raises(trio.BrokenResourceError, match="writer to 'pipe' was left by RuntimeError"):
        await receive_stream(pipe).receive_some()
    reader.close()
    assert "closed" in repr(reader.raw)


async def test_a_file_that_needs_not_wait_is_closed_anywhere() -> None:
    pipe = buffer()
    with open_writer(pipe) as writer:
        await run_in_trio(writer.write, b"x")
        await run_in_trio(writer.flush)
    assert [chunk async for chunk in receive_stream(pipe)] == [b"x"]


# Ends of networks


class Broken(Exception):
    """What a writer raises."""


@in_threads
async def test_a_stopped_network_wakes_a_thread_that_reads(run: Any) -> None:
    pipe = buffer()
    other: Call[int] = Call(lambda item: 1 // item, name="other")
    reader = open_reader(pipe)

    async def read() -> None:
        with pytest.raises(
            BrokenPipeError, match=r"'pipe': its network was stopped, after a fault in other, item 1: 0"
        ):
            await run(reader.read, 1)

    async with trio.open_nursery() as nursery:
        with faults(ZeroDivisionError):
            async with Network(pipe, other), send_stream(pipe):
                nursery.start_soon(read)
                await comes_true(lambda: pipe.network is not None and bool(pipe._core.outbox.receivers))
                await other.send(0)
                await trio.sleep_forever()
    reader.close()


@in_threads
async def test_a_stopped_network_wakes_a_thread_that_writes(run: Any) -> None:
    pipe = buffer(1)
    writer = open_writer(pipe)

    def write() -> None:
        with writer:
            while True:
                writer.write(DATA)

    async def expect() -> None:
        with pytest.raises(BrokenPipeError, match=r"^writer to 'pipe': .*its network was stopped"):
            await run(write)

    async with trio.open_nursery() as nursery, Network(pipe) as network:
        nursery.start_soon(expect)
        await comes_true(lambda: bool(pipe._core.inbox.senders))
        network.cancel()


async def test_a_cancelled_task_takes_its_thread_along() -> None:
    pipe = buffer()
    reader = open_reader(pipe)
    async with Network(pipe), send_stream(pipe):
        with trio.move_on_after(0.01) as scope:
            await run_in_trio(reader.read, 1)
        assert scope.cancelled_caught
        with trio.CancelScope() as scope:
            scope.cancel()
            await run_in_trio(reader.read, 1)
        assert scope.cancelled_caught


async def test_a_cancelled_writer_is_a_fault() -> None:
    pipe = buffer(1)
    writer = open_writer(pipe, name="upload")

    def write() -> None:
        with writer:
            while True:
                writer.write(DATA)

    with faults(trio.BrokenResourceError) as found:
        async with Network(pipe):
            with trio.move_on_after(0.01):
                await run_in_trio(write)
            await trio.sleep_forever()
    assert str(found[0]) == "upload was left by a cancellation: its stream ends before its end"


@in_threads
async def test_an_exception_in_the_thread_is_a_fault_of_the_network(run: Any) -> None:
    pipe = buffer()
    writer = open_writer(pipe, name="upload")
    error = Broken("no more")

    def write() -> None:
        with writer:
            writer.write(b"half")
            raise error

    with faults(Broken) as found:
        async with Network(pipe):
            with pytest.raises(Broken):
                await run(write)
            await trio.sleep_forever()
    assert found == [error]
    assert notes(error) == ["in upload"]


async def test_a_writer_that_is_forgotten_is_a_fault() -> None:
    pipe = buffer()

    def write(files: list[Any]) -> None:
        files[0].write(b"half")
        with pytest.warns(ResourceWarning, match=r"<RawWriter upload open> was never closed"):
            files.clear()

    with faults(trio.BrokenResourceError) as found:
        async with Network(pipe):
            await run_in_trio(write, [open_writer(pipe, name="upload")])
            await trio.sleep_forever()
    assert str(found[0]) == "upload was not closed: its stream ends before its end"


async def test_a_reader_that_stops_early_ends_what_feeds_it_and_its_writer_hears_it() -> None:
    pipe = buffer(1)
    reader, writer = open_reader(pipe), open_writer(pipe)

    def write() -> None:
        with writer:
            while True:
                writer.write(DATA)

    def read() -> None:
        with reader:
            reader.read(1)

    async with Network(pipe), trio.open_nursery() as nursery:
        nursery.start_soon(run_in_trio, read)
        with pytest.raises(BrokenPipeError, match="needs nothing more: its targets have all they wanted"):
            await run_in_trio(write)


@in_threads
async def test_after_a_failed_write_the_file_is_broken(run: Any) -> None:
    pipe: UnboundedBuffer[bytes] = UnboundedBuffer(filter=lambda chunk: chunk != b"no", name="picky")
    writer = open_writer(pipe)

    def write() -> None:
        raw: Any = writer.raw
        assert raw.write(b"") == 0
        with pytest.raises(BrokenPipeError, match="the filter of unbounded buffer 'picky' declined"):
            raw.write(b"no")
        with pytest.raises(BrokenPipeError, match="writer to 'picky': an earlier write has failed"):
            raw.write(b"yes")
        writer.close()

    await run(write)
    await wait_all_tasks_blocked()
    with pytest.raises(trio.BrokenResourceError):
        pipe.receive_nowait()


def test_a_thread_hears_that_its_loop_has_ended() -> None:
    pipe = buffer()
    ready, errors = threading.Event(), list[BaseException]()
    files: list[Any] = []

    def read() -> None:
        ready.wait()
        try:
            files[0].read(1)
        except OSError as error:
            errors.append(error)
        files[0].close()

    async def main() -> None:
        files.append(open_reader(pipe))

    thread = threading.Thread(target=read)
    thread.start()
    trio.run(main)
    ready.set()
    thread.join()
    assert [str(error) for error in errors] == ["reader of 'pipe': the loop has ended"]


def test_a_thread_that_waits_hears_that_its_loop_ends() -> None:
    pipe = buffer()
    errors: list[BaseException] = []

    async def main() -> None:
        reader = open_reader(pipe)
        thread = threading.Thread(target=read, args=[reader])
        thread.start()
        threads.append(thread)
        await comes_true(lambda: bool(pipe._core.outbox.receivers))

    def read(reader: Any) -> None:
        try:
            reader.read(1)
        except OSError as error:
            errors.append(error)

    threads: list[threading.Thread] = []
    trio.run(main)
    threads[0].join()
    assert [str(error) for error in errors] == ["reader of 'pipe': its network was stopped"]


class Interrupted(bridge.Visit[Any]):
    """One whose thread gets a Ctrl-C while it waits."""

    def run(self, loop: Any) -> Any:
        self._settled.release()
        self._settled = cast("Any", self)
        return super().run(loop)

    def acquire(self) -> None:
        raise KeyboardInterrupt

    def release(self) -> None: ...


async def test_an_interrupted_wait_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "Visit", Interrupted)
    pipe = buffer()
    reader = open_reader(pipe)
    async with Network(pipe):
        with pytest.raises(KeyboardInterrupt):
            await run_in_plain_thread(reader.read, 1)
        await wait_all_tasks_blocked()
        await pipe.send(b"x")
        assert await pipe.receive() == b"x"
    reader.close()


async def test_a_file_can_be_closed_twice() -> None:
    pipe = buffer()
    files: list[Any] = [open_reader(pipe), open_writer(pipe)]
    for file in files:
        file.raw.close()
        file.raw.close()
    files[1].raw.abandon(None)


async def test_a_thread_that_waits_for_ever_is_a_standstill() -> None:
    pipe = buffer()
    with faults(Stalled):
        async with Network(pipe):
            keep, reader = pipe.producer(), open_reader(pipe)
            await run_in_trio(reader.read, 1)
    keep.close()
    reader.close()


async def test_a_network_waits_for_a_thread_that_is_slow_to_read() -> None:
    source = IterableSource([b"one\n"] * 100)
    got: list[list[bytes]] = []
    turns = [threading.Event() for _ in range(2)]

    def read(file: Any) -> None:
        with file:
            turns[0].wait()
            got.append([file.raw.read(4)])
            turns[1].wait()
            got.append(file.readlines())

    async with trio.open_nursery() as nursery, Network(source):
        nursery.start_soon(run_in_plain_thread, read, open_reader(source))
        nursery.start_soon(free, turns, got)
    assert got == [[b"one\n"], [b"one\n"] * 99]


async def free(turns: list[threading.Event], got: list[Any]) -> None:
    """Let a thread go on after some turns of the loop."""
    for turn in turns:
        for _ in range(50):
            await trio.lowlevel.checkpoint()
        turn.set()
        await comes_true(lambda: bool(got))


# Wrong arguments


async def test_what_is_no_block_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^open_reader needs a source, a block that gives bytes, got 5"):
        open_reader(5)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(TypeError, match=r"^open_writer needs a target, a block that takes bytes, got 5"):
        open_writer(5)  # type: ignore[arg-type]  # that is the point


async def test_it_reads_what_a_stream_gives() -> None:
    source = StreamSource(io.BytesIO(DATA))
    reader = open_reader(source)
    async with Network(source):
        assert await run_in_trio(reader.read) == DATA
    reader.close()
    assert not reader.raw.seekable()
