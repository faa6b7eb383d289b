"""Exercise 6: a fault in one network stops the other one, too."""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

import trio
import trio.testing

from penstock.blocks import Call, IterableSource, Network, Shutdown

Save = Callable[[int], Awaitable[None]]


async def save_both(left: AsyncIterable[int], right: AsyncIterable[int], save: Save) -> object:
    """Saves the pictures of two cameras at the same time, each in a network of its own.

    Returns the picture for which `save` has raised an `OSError`; None if all pictures were saved.
    """
    shutdown = Shutdown()

    async def run_camera(pictures: AsyncIterable[int], name: str) -> None:
        source = IterableSource(pictures, name=name)
        source.link_target(Call(save, name="save"))
        try:
            async with Network(source, shutdown=shutdown, name=name):
                pass
        except* (OSError, trio.BrokenResourceError):  # the fault here, or the one of the other network
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_camera, left, "left")
        nursery.start_soon(run_camera, right, "right")

    return None if shutdown.first_error is None else shutdown.first_error.item


async def camera(first: int) -> AsyncIterator[int]:
    """Gives a picture each second, without an end."""
    while True:
        yield first
        first += 1
        await trio.sleep(1)


async def save_until_full(picture: int) -> None:
    """Stands for a disk that is full at picture 7."""
    if picture == 7:
        raise OSError("disk full")
    print("saved", picture)


async def main() -> None:
    """Saves pictures until the disk is full."""
    print("not saved:", await save_both(camera(1), camera(101), save_until_full))


if __name__ == "__main__":
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
