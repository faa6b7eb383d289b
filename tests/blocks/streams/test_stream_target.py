"""The block that writes to a file or a stream of trio."""

import io
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import memory_stream_one_way_pair, memory_stream_pair, wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    BoundedBuffer,
    Call,
    IterableSource,
    Network,
    Recording,
    Stalled,
    StreamSource,
    StreamTarget,
    receive_stream,
    send_stream,
)
from tests.blocks.executors.kinds import comes_true
from tests.blocks.tools import faults, notes

CHUNKS = [b"one ", b"", bytes(300_000), b"two"]
DATA = b"".join(CHUNKS)


async def write(where: Any, chunks: Iterable[bytes] = CHUNKS, **options: Any) -> Network:
    """Write chunks."""
    target = StreamTarget(where, name="out", **options)
    source = IterableSource(chunks)
    source.link_target(target)
    async with Network(source) as network:
        pass
    return network


# Paths


@pytest.mark.usefixtures("real_time")
async def test_it_writes_a_path(tmp_path: Path) -> None:
    network = await write(tmp_path / "data")
    assert (tmp_path / "data").read_bytes() == DATA
    assert os.listdir(tmp_path) == ["data"]
    balance = network.balance()["out"]
    assert (balance.accepted, balance.consumed, balance.held) == (4, 4, 0)
    statistics = network.statistics()["out"]
    assert (statistics.place, statistics.consumed, statistics.in_work, statistics.service.count) == ("Threads", 4, 0, 4)


@pytest.mark.usefixtures("real_time")
async def test_an_empty_input_makes_an_empty_file(tmp_path: Path) -> None:
    await write(str(tmp_path / "data"), [])
    assert (tmp_path / "data").read_bytes() == b""


@pytest.mark.usefixtures("real_time")
async def test_the_name_comes_at_the_end_and_an_older_file_stays_until_then(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"older")
    path.chmod(0o600)
    target = StreamTarget(path)
    async with Network(target):
        await target.send(b"newer")
        await comes_true(lambda: os.listdir(tmp_path) != ["data"])
        assert path.read_bytes() == b"older"
        assert any(name.startswith(".data.") and name.endswith(".part") for name in os.listdir(tmp_path))
    assert path.read_bytes() == b"newer"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["data"]


@pytest.mark.usefixtures("real_time")
async def test_a_link_goes_on_to_lead_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("data")
    await write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "data").read_bytes() == DATA


@pytest.mark.usefixtures("real_time")
async def test_a_device_is_written_itself() -> None:
    await write(os.devnull)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    with faults(ZeroDivisionError):
        await write(os.devnull, (1 // 0 for _ in range(1)))  # type: ignore[misc]  # that is the point
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def half() -> Iterable[bytes]:
    yield b"half"
    raise ValueError("no more")


@pytest.mark.usefixtures("real_time")
async def test_after_a_fault_there_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "older").write_bytes(b"older")
    for name in ("older", "new"):
        with faults(ValueError):
            await write(tmp_path / name, half())
    assert os.listdir(tmp_path) == ["older"]
    assert (tmp_path / "older").read_bytes() == b"older"


@pytest.mark.usefixtures("real_time")
async def test_after_a_cancellation_there_is_no_file(tmp_path: Path) -> None:
    target = StreamTarget(tmp_path / "data", name="out")
    async with Network(target) as network:
        await target.send(b"half")
        await comes_true(lambda: bool(os.listdir(tmp_path)))
        network.cancel()
    assert os.listdir(tmp_path) == []
    assert network.balance()["out"].difference == 0
    target = StreamTarget(tmp_path / "data", name="out")
    async with Network(target) as network:
        await target.send(b"half")
        network.cancel()  # before it is open
    assert os.listdir(tmp_path) == []
    assert network.balance()["out"].discarded == 1


@pytest.mark.usefixtures("real_time")
async def test_a_folder_that_is_not_there_is_a_fault_that_names_the_path(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "data"
    with faults(FileNotFoundError) as found:
        await write(path, [])
    assert notes(found[0])[0] == f"stream target 'out' writes to {str(path)!r}, at first under this name"


@pytest.mark.usefixtures("real_time")
async def test_a_file_that_others_remove_is_a_fault(tmp_path: Path) -> None:
    target = StreamTarget(tmp_path / "data")
    with faults(FileNotFoundError):
        async with Network(target):
            await comes_true(lambda: bool(os.listdir(tmp_path)))
            (name,) = os.listdir(tmp_path)
            (tmp_path / name).unlink()
    assert os.listdir(tmp_path) == []


# Files


class Watched(io.BytesIO):
    """A file whose content a test may look at after it was closed."""

    content = b""

    def close(self) -> None:
        if not self.closed:
            self.content = self.getvalue()
        super().close()


class Small(Watched):
    """Takes few bytes at a time, as a file without a buffer may do."""

    def write(self, data: Any, /) -> int:
        return super().write(data[:100_000])


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("kind", [Watched, Small])
async def test_it_writes_a_file_and_closes_it(kind: type[Watched]) -> None:
    file = kind()
    await write(file)
    assert file.closed
    assert file.content == DATA


@pytest.mark.usefixtures("real_time")
async def test_a_file_is_closed_after_a_fault() -> None:
    file = Watched()
    with faults(ValueError):
        await write(file, half())
    assert file.closed


@pytest.mark.usefixtures("real_time")
async def test_a_standard_stream_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(file))
    await write(file)
    assert file.getvalue() == DATA


class Full(Watched):
    """Takes nothing."""

    def __init__(self, error: Exception | None, at_close: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.at_close = at_close

    def write(self, data: Any, /) -> Any:
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        super().close()
        if self.at_close is not None:
            error, self.at_close = self.at_close, None
            raise error


@pytest.mark.usefixtures("real_time")
async def test_an_error_of_a_file_is_a_fault() -> None:
    file = Full(OSError("disk full"))
    with faults(OSError) as found:
        await write(file)
    assert notes(found[0]) == ["in out"]
    assert file.closed
    with faults(BlockingIOError) as found:
        await write(Full(None))
    assert str(found[0]).startswith("stream target 'out': its file is in non-blocking mode")


@pytest.mark.usefixtures("real_time")
async def test_an_error_of_the_clean_up_hides_no_other_one() -> None:
    with faults(OSError, PermissionError):
        await write(Full(OSError("disk full"), PermissionError("no")))
    with faults(ValueError, PermissionError):
        await write(Full(None, PermissionError("no")), half_and_wait())


def half_and_wait() -> Iterable[bytes]:
    raise ValueError("no more")
    yield b""


# Streams


async def test_it_writes_a_stream_and_closes_it() -> None:
    sender, receiver = memory_stream_one_way_pair()
    network = await write(sender)
    assert b"".join([bytes(chunk) async for chunk in receiver]) == DATA
    assert network.statistics()["out"].place == "tasks"


async def test_the_sending_half_of_a_stream_is_ended() -> None:
    here, there = memory_stream_pair()
    await write(here)
    assert b"".join([bytes(chunk) async for chunk in there]) == DATA
    await there.send_all(b"thanks")
    assert await here.receive_some() == b"thanks"


class TwoWays(trio.abc.Stream):
    """A stream without halves, as one with TLS."""

    def __init__(self) -> None:
        self.got = b""
        self.closed = False

    async def send_all(self, data: Any) -> None:
        await trio.lowlevel.checkpoint()
        self.got += data

    async def wait_send_all_might_not_block(self) -> None: ...

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        raise NotImplementedError

    async def aclose(self) -> None:
        self.closed = True
        await trio.lowlevel.checkpoint()


async def test_a_stream_in_both_directions_stays_open_unless_there_is_a_fault() -> None:
    stream = TwoWays()
    await write(stream)
    assert stream.got == DATA
    assert not stream.closed
    with faults(ValueError):
        await write(stream, half())
    assert stream.closed


async def test_a_stream_that_breaks_is_a_fault() -> None:
    sender, receiver = memory_stream_one_way_pair()
    await receiver.aclose()
    with faults(trio.BrokenResourceError):
        await write(sender)


@pytest.mark.usefixtures("real_time")
async def test_a_connection_is_reset_after_a_fault() -> None:
    answers: list[Any] = []

    async def ask(port: int, scope: trio.CancelScope) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            try:
                while chunk := await stream.receive_some():
                    answers.append(chunk)
                answers.append("end")
            except trio.BrokenResourceError:
                answers.append("broken")
        scope.cancel()

    async def answer(stream: trio.SocketStream) -> None:
        with faults(ValueError):
            await write(stream, half())

    async with trio.open_nursery() as nursery:
        listeners: Any = await nursery.start(trio.serve_tcp, answer, 0)
        await ask(listeners[0].socket.getsockname()[1], nursery.cancel_scope)
    assert answers[-1] == "broken"


@pytest.mark.usefixtures("real_time")
async def test_a_socket_that_is_no_tcp_is_closed_after_a_fault() -> None:
    one, other = trio.socket.socketpair()
    here, there = trio.SocketStream(one), trio.SocketStream(other)
    await here.aclose()
    with faults(ValueError):
        await write(here, half_and_wait())  # fails at once: a chunk could be written before, which fails too
    await there.aclose()


# In a network


async def test_senders_wait_while_it_is_full() -> None:
    buffer: BoundedBuffer[bytes] = BoundedBuffer(1)
    target = StreamTarget(send_stream(buffer), capacity=2, name="out")
    async with Network(target), trio.open_nursery() as nursery:
        for _ in range(3):
            await target.send(b"x")  # one is in the buffer, two wait
            await wait_all_tasks_blocked()
        with pytest.raises(trio.WouldBlock):
            target.send_nowait(b"x")
        assert repr(target) == "<StreamTarget 'out' open, 2 held>"

        async def read() -> None:
            async with receive_stream(buffer) as stream:
                async for chunk in stream:
                    assert chunk == b"x"

        nursery.start_soon(read)
        await target.send(b"x")
        target.complete()


async def test_a_network_that_waits_with_it_is_stalled() -> None:
    sender, _ = memory_stream_one_way_pair()
    target, other = StreamTarget(sender), BoundedBuffer[int](1, name="full")
    with faults(Stalled):
        async with Network(target, other):
            await other.send(1)
            await other.send(2)


async def test_a_run_with_it_can_be_recorded() -> None:
    recording = Recording()
    sender, _ = memory_stream_one_way_pair()
    target = StreamTarget(sender, name="out")
    async with Network(target, recording=recording):
        await target.send(b"x")
    assert recording.spans


async def test_a_network_with_it_can_be_checked_and_reported() -> None:
    sender, _ = memory_stream_one_way_pair()
    target = StreamTarget(sender, name="out")
    PipelineGovernor(limit=2, name="few").govern(first=target, last=target)
    source = IterableSource([b"x"], name="in")
    source.link_target(target)
    async with Network(source) as network:
        assert network.check() == ()
    assert "out" in str(network.report())


async def test_a_stream_of_blocks_of_one_network_may_be_written_from_another() -> None:
    buffer: BoundedBuffer[bytes] = BoundedBuffer(1)
    got: list[bytes] = []
    source, end = StreamSource(receive_stream(buffer)), Call(got.append)
    source.link_target(end)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(write, send_stream(buffer))
        async with Network(source):
            pass
    assert b"".join(got) == DATA


# Wrong arguments


async def test_what_is_no_bytes_is_a_fault() -> None:
    with faults(TypeError) as found:
        await write(TwoWays(), ["text"])  # type: ignore[list-item]  # that is the point
    assert str(found[0]).startswith("stream target 'out': needs bytes, got str 'text'; encode it first")


async def test_what_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(
        TypeError, match=r"^stream target 'out': needs a path, a binary file or a stream of trio, got 5"
    ):
        StreamTarget(5, name="out")  # type: ignore[arg-type]  # that is the point
    with (tmp_path / "text").open("w") as text, pytest.raises(TypeError, match="open it with mode 'rb' or 'wb'"):
        StreamTarget(text, name="out")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(ValueError, match=r"^stream target 'out': capacity must be an int >= 1"):
        StreamTarget(tmp_path / "data", capacity=0, name="out")
    with pytest.raises(AttributeError, match="a stream target hands nothing on"):
        StreamTarget(tmp_path / "data").link_target  # type: ignore[attr-defined]  # noqa: B018  # that is the point
