"""The call: a function for its effect."""

import re
from typing import Any

import pytest
import trio

from penstock.blocks import Call, IterableSource, Network, Timer, UnboundedBuffer
from tests.blocks.tools import faults, is_even, notes, run


async def test_it_calls_the_function_with_each_message_in_order() -> None:
    calls: list[Any] = []
    call: Call[Any] = Call(calls.append, name="note")
    network = await run(call, [1, None, 3])
    assert calls == [1, None, 3]
    assert network.balance()["note"].consumed == 3
    assert repr(call) == "<Call 'note' finished, 0 waiting, 0 in work>"


async def test_async_calls_run_at_once_and_the_network_waits_for_the_last() -> None:
    ended: list[int] = []

    async def work(item: int) -> None:
        await trio.sleep(item)
        ended.append(item)

    start = trio.current_time()
    network = await run(Call(work, concurrency=3), [3, 2, 1])
    assert ended == [1, 2, 3]
    assert trio.current_time() - start == 3
    assert network.balance()["work"].consumed == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 2}, "call 'print': concurrency=2 needs an executor or an async function"),
        ({"concurrency": "2"}, "call 'print': concurrency must be an int >= 1, got '2'"),
        ({"capacity": -1}, "call 'print': capacity must be an int >= 1"),
        ({"on_error": None}, "call 'print': on_error must be 'fail', 'skip', Fail"),
    ],
)
def test_wrong_arguments_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Call(print, **options)


def test_what_cannot_be_called_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"^Call: the function must be callable, got 'print'"):
        Call("print")  # type: ignore[call-overload]  # that is the point


@pytest.mark.parametrize("name", ["link_target", "receive", "receive_nowait", "unlink_targets"])
def test_what_a_call_does_not_have_names_the_block_that_has_it(name: str) -> None:
    with pytest.raises(AttributeError, match=f"'Call' object has no attribute '{name}'; .* use a Transformer"):
        getattr(Call(print), name)
    assert not hasattr(Call(print), name)


def test_what_no_block_has_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'Call' object has no attribute 'linktarget'$") as found:
        getattr(Call(print), "linktarget")  # noqa: B009
    assert found.value.name == "linktarget"


@pytest.mark.parametrize("source", [IterableSource[int]([]), Timer(1, 2)])
@pytest.mark.parametrize("name", ["send", "send_nowait", "producer", "complete", "offer"])
def test_what_a_block_without_input_does_not_have_names_the_block_that_has_it(source: object, name: str) -> None:
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'; .* send to an UnboundedBuffer instead"):
        getattr(source, name)


async def test_it_takes_what_its_filter_accepts() -> None:
    calls: list[int] = []
    source: UnboundedBuffer[int] = UnboundedBuffer()
    source.link_target(Call(calls.append, filter=is_even))
    rest: UnboundedBuffer[int] = UnboundedBuffer()
    source.link_target(rest)
    await run(source, range(5))
    assert calls == [0, 2, 4]
    assert len(rest) == 2


async def test_a_fault_names_it() -> None:
    def fail(item: int) -> None:
        raise ValueError

    with faults(ValueError) as found:
        await run(Call(fail, name="writer"), [7])
    assert notes(found[0]) == ["in writer, item 1: 7"]


async def test_it_can_be_called_from_the_body_of_another_task() -> None:
    calls: list[int] = []
    call: Call[int] = Call(calls.append)
    async with Network(call), trio.open_nursery() as nursery:
        for n in range(3):
            nursery.start_soon(call.send, n)
    assert sorted(calls) == [0, 1, 2]
