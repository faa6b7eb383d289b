"""Finds circles of waits.

Plain graph code: nodes without outgoing edges are removed repeatedly, then nodes without incoming edges. The remaining
core contains every circle, and the paths between circles.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence

from .wait_for import Wait

MOST_STARTS = 64
"""Once a circle is found, the search tries up to this many start nodes, and returns the shortest circle found."""


def find_cycle(waits: Iterable[Wait], free: Iterable[object] = ()) -> tuple[Wait, ...]:
    """Return a short circle of waits, in order; empty if there is none.

    Args:
        waits: The waits, as edges from `who` to `whom`.
        free: The nodes that can move; they, and all nodes that they may unblock, are not in a circle.
    """
    stuck = without_free(waits, free)
    ahead = trim(stuck, lambda wait: wait.who, lambda wait: wait.whom)
    core: dict[object, list[Wait]] = {}
    for wait in trim(ahead, lambda wait: wait.whom, lambda wait: wait.who):
        core.setdefault(wait.who, []).append(wait)
    best: tuple[Wait, ...] = ()
    for count, start in enumerate(core):
        if best and count >= MOST_STARTS:
            break
        best = min((cycle for cycle in (best, shortest(start, core)) if cycle), key=len, default=())
    return best


def without_free(waits: Iterable[Wait], free: Iterable[object]) -> list[Wait]:
    """Return the waits that no runnable node can resolve, directly or indirectly."""
    waits = list(waits)
    waiters: dict[object, list[object]] = {}
    for wait in waits:
        waiters.setdefault(wait.whom, []).append(wait.who)
    moving = list(free)
    known = set(moving)
    while moving:
        for who in waiters.get(moving.pop(), ()):
            if who not in known:
                known.add(who)
                moving.append(who)
    return [wait for wait in waits if wait.who not in known]


def trim(waits: Sequence[Wait], here: Callable[[Wait], object], there: Callable[[Wait], object]) -> list[Wait]:
    """Remove repeatedly the waits that lead, from their node `here`, to a node `there` without further waits."""
    leading: dict[object, list[Wait]] = {}
    left = Counter(map(here, waits))
    for wait in waits:
        leading.setdefault(there(wait), []).append(wait)
    gone: set[Wait] = set()
    ends = [end for end in leading if not left[end]]
    while ends:
        for wait in leading.get(ends.pop(), ()):
            gone.add(wait)
            left[here(wait)] -= 1
            if not left[here(wait)]:
                ends.append(here(wait))
    return [wait for wait in waits if wait not in gone]


def shortest(start: object, edges: dict[object, list[Wait]]) -> tuple[Wait, ...]:
    """Return the shortest path from a node back to itself; empty if there is none."""
    waiting = deque([start])
    came: dict[object, Wait] = {}
    while waiting:
        who = waiting.popleft()
        for wait in edges[who]:
            if wait.whom is start:
                return (*path(start, who, came), wait)
            if wait.whom not in came:
                came[wait.whom] = wait
                waiting.append(wait.whom)
    return ()


def path(start: object, end: object, came: dict[object, Wait]) -> tuple[Wait, ...]:
    """Return the waits that lead from one node to another."""
    way: list[Wait] = []
    while end is not start:
        way.append(came[end])
        end = came[end].who
    return tuple(reversed(way))
