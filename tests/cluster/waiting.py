"""How the tests wait for what happens in other processes: nothing here can be told of it, so they look."""

from collections.abc import Callable

import trio


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is true; the limit of the test is the limit."""
    while not condition():  # noqa: ASYNC110 - there is nobody who could set an event
        await trio.sleep(0.005)
