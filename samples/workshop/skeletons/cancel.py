"""Exercise 7: two ways to stop."""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

import trio
import trio.testing

Save = Callable[[int], Awaitable[None]]


async def finish(camera: AsyncIterable[int], save: Save, stop: trio.Event) -> int:
    """Saves pictures until `stop` is set; then saves those that were taken. Returns how many were saved."""
    raise NotImplementedError  # step 1


async def abandon(camera: AsyncIterable[int], save: Save, stop: trio.Event) -> tuple[int, int]:
    """Saves pictures until `stop` is set; then ends at once. Returns how many were saved, and how many discarded."""
    raise NotImplementedError  # step 2


async def take_pictures() -> AsyncIterator[int]:
    """Gives a picture each second, without an end."""
    picture = 1
    while True:
        yield picture
        picture += 1
        await trio.sleep(1)


async def save_slowly(picture: int) -> None:
    """Stands for a slow disk."""
    await trio.sleep(1.5)


async def main() -> None:
    """Stops after ten seconds, in both ways."""
    for way in (finish, abandon):
        start, stop = trio.current_time(), trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(set_after, stop, 10)
            result = await way(take_pictures(), save_slowly, stop)
        print(f"{way.__name__}: {result} after {trio.current_time() - start:g} s")


async def set_after(stop: trio.Event, seconds: float) -> None:
    """Stands for a person who presses a button."""
    await trio.sleep(seconds)
    stop.set()


if __name__ == "__main__":
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
