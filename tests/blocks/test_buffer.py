"""Buffers of one's own, in as many lines as `LeastFirst` in tools.py."""

import re

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import Buffer, Network, UnboundedBuffer
from tests.blocks.tools import LeastFirst, contents, faults, linked, notes, run


class Halfway(Buffer[int]):
    """Defines nothing."""


@pytest.mark.parametrize(
    ("method", "arguments"), [("put", (1,)), ("pop", ()), ("peek", ()), ("size", ())], ids=lambda value: str(value)
)
def test_what_must_be_defined_says_so(method: str, arguments: tuple[int, ...]) -> None:
    with pytest.raises(NotImplementedError, match=rf"Halfway must define {method}"):
        getattr(Halfway, method)(object.__new__(Halfway), *arguments)


def test_a_capacity_below_1_is_an_error() -> None:
    with pytest.raises(ValueError, match=re.escape("buffer 'p': capacity must be an int >= 1, or None for no bound,")):
        LeastFirst(capacity=0, name="p")
    with pytest.raises(ValueError, match=r"^a buffer: capacity must be an int >= 1"):
        LeastFirst(capacity=0)


async def test_a_buffer_of_ones_own_gives_the_least_first() -> None:
    buffer = LeastFirst()
    await run(buffer, [3, 1, 2])
    assert contents(buffer) == [1, 2, 3]


async def test_a_full_buffer_of_ones_own_makes_senders_wait() -> None:
    buffer = LeastFirst(capacity=2)
    async with Network(buffer), trio.open_nursery() as nursery:
        for n in (3, 1, 2):
            nursery.start_soon(buffer.send, n)
            await wait_all_tasks_blocked()
        assert [await buffer.receive() for _ in range(3)] == [1, 2, 3]


def test_a_reserved_head_stays_the_head_though_a_better_one_comes() -> None:
    buffer = LeastFirst()
    buffer.send_nowait(5)
    assert buffer.reserve("me")
    buffer.send_nowait(1)
    assert buffer.consume("me") == 5
    assert buffer.receive_nowait() == 1


def test_a_released_head_stays_first_until_it_is_taken() -> None:
    buffer = LeastFirst()
    buffer.send_nowait(5)
    assert buffer.reserve("me")
    buffer.send_nowait(1)
    buffer.release("me")
    assert contents(buffer) == [5, 1]


async def test_it_is_linked_like_any_other() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    buffer = LeastFirst(capacity=2)
    source.link_target(buffer)
    collector = linked(buffer)
    await run(source, [5, 4, 3, 2, 1])
    assert sorted(contents(collector)) == [1, 2, 3, 4, 5]


async def test_what_it_holds_is_discarded_when_the_network_stops() -> None:
    buffer = LeastFirst()
    async with Network(buffer) as network:
        buffer.send_nowait(1)
        buffer.send_nowait(2)
        assert buffer.reserve("me")
        network.cancel()
    assert buffer.size() == 0
    assert network.balance()[buffer.name].discarded == 2


class Refusing(LeastFirst):
    """Cannot store 13."""

    def put(self, item: int) -> None:
        if item == 13:
            raise ZeroDivisionError
        super().put(item)


async def test_a_put_that_raises_has_not_taken_the_message() -> None:
    buffer = Refusing()
    async with Network(buffer) as network:
        await buffer.send(1)
        with pytest.raises(ZeroDivisionError):
            await buffer.send(13)
    assert network.balance()[buffer.name].accepted == 1


async def test_a_put_that_raises_in_a_step_is_a_fault_of_the_block_that_was_stepped() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer(name="source")
    source.link_target(Refusing(name="refusing"))
    with faults(ZeroDivisionError) as found:
        await run(source, [13])
    assert found[0].__notes__ == ["raised by put() of buffer 'refusing'", "in source"]


class Jammed(LeastFirst):
    """One of its methods raises."""

    jams = ""

    def pop(self) -> int:
        self._check("pop")
        return super().pop()

    def peek(self) -> int:
        self._check("peek")
        return super().peek()

    def size(self) -> int:
        self._check("size")
        return super().size()

    def _check(self, method: str) -> None:
        if self.jams == method:
            raise ZeroDivisionError


@pytest.mark.parametrize("method", ["pop", "peek", "size"])
async def test_a_method_that_raises_is_named_and_the_item_is_still_counted(method: str) -> None:
    buffer = Jammed(name="jammed")
    async with Network(buffer) as network:
        await buffer.send(1)
        buffer.jams = method
        with pytest.raises(ZeroDivisionError) as found:
            await buffer.receive(lambda _: True)
        buffer.jams = ""
        assert network.balance()["jammed"].held == 1
        assert await buffer.receive() == 1
    assert notes(found.value) == [f"raised by {method}() of buffer 'jammed'"]
    assert network.balance().ok


def test_its_methods_have_to_be_plain() -> None:
    class Later(LeastFirst):
        async def put(self, item: int) -> None:  # type: ignore[override]  # what is wrong here
            del item

    with pytest.raises(TypeError, match=re.escape("buffer 'later': put() must be a plain function")):
        Later(name="later")
