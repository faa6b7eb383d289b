"""How many tasks of a graph are out: with the blocks that run them."""

from __future__ import annotations

LEAST_OUT = 64
"""How many tasks are with an executor at least, if there are that many; less costs more per task."""
MOST_OUT = 256
"""The same for tasks that take next to no time."""
ENOUGH = 0.005
"""Seconds that the tasks with an executor may take, all together, if there are more than `LEAST_OUT`."""
LEAST_ON_LOOP = 32
"""The least on the loop. It bounds how many results exist at once in a reduction: about three times as many."""


class Budget:
    """How many tasks may be out.

    A hand-over to an executor costs more than a quick task, so more of these are out.

    Args:
        concurrency: How many tasks of a group run at once.
        is_on_loop: Whether plain functions run on the loop.

    Attributes:
        tasks: How many.
    """

    def __init__(self, concurrency: int, *, is_on_loop: bool) -> None:
        self._least = max(LEAST_ON_LOOP if is_on_loop else LEAST_OUT, 2 * concurrency)
        self._most = self._least if is_on_loop else max(self._least, MOST_OUT)
        self._typical = ENOUGH
        self.tasks: int = self._least

    def learn(self, seconds: float) -> None:
        """Learn from one task how long tasks take."""
        self._typical += (seconds - self._typical) / 4
        self.tasks = max(self._least, int(ENOUGH / max(self._typical, ENOUGH / self._most)))
