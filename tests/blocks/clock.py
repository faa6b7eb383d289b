"""A clock for what is measured, that moves when it is told to."""

from trio.testing import wait_all_tasks_blocked

from penstock.blocks import Times


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def passes(self, seconds: float) -> None:
        """Let all tasks run until they wait, then let time pass."""
        await wait_all_tasks_blocked()
        self.now += seconds


def every(seconds: float, count: int) -> Times:
    return Times(count, seconds * count, *(5 * [seconds]))
