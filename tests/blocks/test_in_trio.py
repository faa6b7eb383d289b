"""Outside trio: what is said under asyncio, in a notebook cell, and where no loop runs at all."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest
import trio

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import Network, OverwriteBuffer, UnboundedBuffer


class Nothing(Agent):
    async def run(self) -> None: ...


def enter() -> Awaitable[Any]:
    return Network(UnboundedBuffer[int](), name="net").__aenter__()


async def iterate() -> None:
    async for _ in OverwriteBuffer[int](name="b"):
        pass


USES: dict[str, Callable[[], Awaitable[Any]]] = {
    "enter network 'net'": enter,
    "send to unbounded buffer 'b'": lambda: UnboundedBuffer[int](name="b").send(1),
    "receive from unbounded buffer 'b'": lambda: UnboundedBuffer[int](name="b").receive(),
    "wait for a change of overwrite buffer 'b'": lambda: OverwriteBuffer[int](name="b").wait_changed(),
    "iterate over overwrite buffer 'b'": iterate,
    "wait for agent 'a'": lambda: Nothing(name="a").wait(),
    "wait for a slot of governor 'g'": lambda: PipelineGovernor(1, name="g").wait_for_available_slot(),
    "wait for the end of governor 'g'": lambda: PipelineGovernor(1, name="g").wait_for_empty(),
}


@pytest.mark.parametrize("use", USES)
def test_under_asyncio_it_says_that_penstock_runs_in_trio_and_what_to_do(use: str) -> None:
    async def main() -> None:
        await USES[use]()

    with pytest.raises(RuntimeError, match=f"^{use}: Penstock runs in trio, and this is asyncio; .*trio.run") as found:
        asyncio.run(main())
    assert "asyncio.to_thread" in str(found.value)


def test_in_a_notebook_cell_it_says_to_call_trio_without_await(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))

    async def cell() -> None:
        await enter()

    with pytest.raises(
        RuntimeError, match=r"a notebook cell runs in asyncio; .*`trio.run\(main\)` in the cell, without"
    ):
        asyncio.run(cell())


@pytest.mark.parametrize("use", USES)
def test_where_no_loop_runs_it_says_to_start_trio(use: str) -> None:
    async def main() -> None:
        await USES[use]()

    coroutine = main()
    with pytest.raises(RuntimeError, match=f"^{use}: .* trio does not run here; .*trio.run"):
        coroutine.send(None)


def test_a_network_that_was_refused_can_be_entered_in_trio_later() -> None:
    network = Network(UnboundedBuffer[int](), name="net")

    async def main() -> None:
        async with network:
            pass

    with pytest.raises(RuntimeError, match="asyncio"):
        asyncio.run(main())
    trio.run(main)


def test_a_network_in_trio_runs_beside_asyncio_as_the_error_says() -> None:
    got: list[int] = []

    async def main() -> None:
        buffer: UnboundedBuffer[int] = UnboundedBuffer()
        async with Network(buffer):
            await buffer.send(1)
            got.append(await buffer.receive())

    async def host() -> None:
        await asyncio.to_thread(trio.run, main)

    asyncio.run(host())
    assert got == [1]
