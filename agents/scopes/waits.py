"""The waits among the tasks of scopes: which task waits for which, and the circles in which they would wait forever.

A task waits for the tasks in its nurseries to end, and, as long as it is parked there, for the task of a handle, or for
one of the tasks that have the places of a limit. The waits at handles and limits are those in `parked`, which networks
read, too; those for nurseries are known to trio. So a wait that was cancelled has left the graph, and nothing is kept
while nothing waits.

A task may also wait for one that does not run in trio, and that one for a task in trio: see `calls.py`.

The last wait of a circle is one at a handle or a limit, because a task has not waited before it was started. So such a
wait looks whether it leads back to its task. If nothing on these ways can go on, the wait fails at once. If something
can, it may end without a word, or may cancel one of the waits; so the wait is looked at again from time to time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import trio

from penstock.agents.tasks.calls import Elsewhere, called_by, is_called
from penstock.agents.tasks.circles import stalled
from penstock.agents.tasks.ways import way_back
from penstock.blocks import Stalled
from penstock.blocks.base.trio_details import has_own_deadline, waits_for_children
from penstock.blocks.core.waiting import Place, Waiter, WaitList, idle_tasks, parked, running_networks

Task = trio.lowlevel.Task
PAUSE = 1.0
"""After this many seconds, a wait that may be part of a circle is looked at again."""


class End(Place, Protocol):
    """What tasks wait for, and what other tasks bring about: the end of a task, or a place of a limit.

    Attributes:
        waits: The tasks that wait.
    """

    waits: WaitList[Any]

    def has_begun(self) -> bool:
        """Whether it is known which tasks bring it about."""
        ...

    def comes_from(self, task: Task) -> bool:
        """Whether a task is one of `outside_tasks`, without a search."""
        ...

    def tell_wait(self, who: str, whom: str) -> str:
        """Say that a task waits for it, and so for another task."""
        ...


class Parking:
    """What handles and limits have in common as places where tasks wait."""

    __slots__ = ()

    def parked(self) -> None:
        """Let the networks look whether anything can still move."""
        if running_networks.pumps:
            running_networks.tell()

    def waited(self, waiter: Waiter[Any], result: tuple[Any, ...]) -> None:
        """Count nothing."""


awaited: dict[Task, End] = {}
"""The handles of tasks for whose end others wait, or have waited."""
holders: dict[Task, End] = {}
"""The limits of which tasks have a place."""
elsewhere: dict[Task, Elsewhere] = {}
"""What tasks wait for that do not run in trio."""
calling: dict[Task, None] = {}
"""The tasks that wait for the call of a function in a thread."""


async def wait_at(end: End, doing: str, payload: object = None) -> None:
    """Wait until a task is woken.

    Args:
        end: Where it waits.
        doing: What it does, for messages.
        payload: What `end` keeps with the wait.

    Raises:
        Stalled: It would wait for itself, and nothing can end that.
    """
    me = trio.lowlevel.current_task()
    if not (may_lead_back(me, end) or is_called(me)) or has_own_deadline(me):
        await end.waits.park(end, doing, payload)
        return
    found = circle_of(me, end)
    if found is not None:
        raise found
    with doubts().about(lambda: circle_of(me, end), lambda error: parked[me].fail(error)):
        await end.waits.park(end, doing, payload)


async def wait_for_elsewhere(task: Elsewhere, ended: trio.Event) -> None:
    """Wait for a task that does not run in trio.

    Raises:
        Stalled: It would wait for itself, and nothing can end that.
    """
    me = trio.lowlevel.current_task()
    elsewhere[me] = task
    errors: list[Stalled] = []

    def fail(error: Stalled) -> None:
        errors.append(error)
        ended.set()

    try:
        if is_called(me) and not has_own_deadline(me):
            with doubts().about(lambda: circle_of(me, task), fail):
                await ended.wait()
        else:
            await ended.wait()
    finally:
        del elsewhere[me]
    if errors:
        raise errors[0]


def may_lead_back(me: Task, end: End) -> bool:
    """Whether a wait leads back to its task. Most often no task waits for the ends of those around it."""
    if not end.has_begun():
        return False  # its task has not waited yet
    task = me
    while task not in awaited and task not in holders and not end.comes_from(task):
        if task.parent_nursery is None:
            return False
        task = task.parent_nursery.parent_task
    return leads_back(me, end)


def leads_back(me: Task, end: End) -> bool:
    """Whether a wait leads back to its task.

    It looks in turn at what the wait needs and at what needs the task, and ends with the smaller of the two.
    """
    ahead: set[Task] = set()
    behind: set[Task] = set()
    for needed, needing in zip(walk(end.outside_tasks(), needs_of), walk((me,), needed_by), strict=False):
        ahead.add(needed)
        behind.add(needing)
        if needed in behind or needing in ahead or end.comes_from(needing):
            return True
    return False


def walk(starts: Iterable[Task], leads_to: Callable[[Task], Iterable[Task]]) -> Iterator[Task]:
    """Yield some tasks, and all to which they lead."""
    seen: set[Task] = set()
    open_ones = [iter(starts)]
    while open_ones:
        for task in open_ones[-1]:
            if task not in seen:
                seen.add(task)
                yield task
                open_ones.append(iter(leads_to(task)))
                break
        else:
            open_ones.pop()


def needs_of(task: Any) -> Iterator[Any]:
    """The tasks without which another one does not end."""
    if isinstance(task, Elsewhere):
        yield from task.needs()
        return
    end = end_of(parked.get(task))
    if end is not None:
        yield from end.outside_tasks()
    elif task in elsewhere:
        yield elsewhere[task]
    elif task in calling:
        yield from called_by(task)
    yield from children_of(task)


def needed_by(task: Task) -> Iterator[Task]:
    """The tasks that do not end without another one."""
    if task.parent_nursery is not None:
        yield task.parent_nursery.parent_task
    for end in (awaited.get(task), holders.get(task)):
        if end is not None:
            for waiter in end.waits.waiters:
                yield waiter.task


def children_of(task: Task) -> Iterator[Task]:
    """The tasks in the nurseries of a task."""
    for nursery in task.child_nurseries:
        yield from nursery.child_tasks


def end_of(waiter: Waiter[Any] | None) -> Any:
    """The handle or limit at which a task waits; None if it waits elsewhere, or not at all."""
    return waiter.place if waiter is not None and isinstance(waiter.place, Parking) else None


def needs_of_wait(end: End | Elsewhere) -> Iterator[Any]:
    """What may end a wait."""
    if isinstance(end, Elsewhere):
        yield end
    else:
        yield from end.outside_tasks()


def circle_of(me: Task, end: End | Elsewhere) -> Stalled | None:
    """Make the error for a wait that leads back to its task, if nothing that it needs can go on; else None."""
    if not isinstance(end, Elsewhere) and not end.has_begun():
        return None
    needed = walk((*needs_of_wait(end), *children_of(me)), needs_of)  # an exception of a child cancels the wait
    if any(goes_on(task) for task in needed if task is not me):
        return None
    circles = (way_back(each, me, needs_of) for each in needs_of_wait(end))
    circle = next(filter(None, circles), None)
    if circle is None:
        return None
    return stalled(circle, lambda one, other: tell_wait(one, other, end if one is me else end_of(parked.get(one))))


def goes_on(task: Any) -> bool:
    """Whether a task may go on, although the tasks that it needs cannot."""
    if isinstance(task, Elsewhere):
        return task.goes_on()
    if task in idle_tasks:
        return False
    waiter = parked.get(task)
    if waiter is not None:
        end: End | None = end_of(waiter)
        waits = end is not None and end.has_begun()
    else:
        waits = waits_for_children(task) or task in elsewhere or (task in calling and any(called_by(task)))
    return not waits or has_own_deadline(task)


def tell_wait(one: Any, other: Any, end: End | Elsewhere | None) -> str:
    """Say that a task waits for another one."""
    if isinstance(one, Elsewhere) or isinstance(other, Elsewhere):
        return f"{name_of(one)} waits for {name_of(other)}"
    if end is not None and not isinstance(end, Elsewhere) and end.comes_from(other):
        return end.tell_wait(name_of(one), name_of(other))
    return f"{name_of(one)} waits for the end of {name_of(other)}"


def name_of(task: Any) -> str:
    """The name of a task in messages."""
    return str(task) if isinstance(task, Elsewhere) else str(awaited.get(task, f"task {task.name!r}"))


class Doubts:
    """Waits that may be part of a circle, in one run of trio. While there are any, a task looks at them.

    A cancel scope around each wait could do this, too, but it would look as if the wait had a time limit.
    """

    def __init__(self) -> None:
        self._waits: dict[Task, tuple[Callable[[], Stalled | None], Callable[[Stalled], None]]] = {}
        self._is_at_work = False

    @contextmanager
    def about(self, look: Callable[[], Stalled | None], fail: Callable[[Stalled], None]) -> Generator[None]:
        """A context in which the wait of the running task is looked at again.

        Args:
            look: Returns the error if the wait is part of a circle.
            fail: Ends the wait with it.
        """
        task = trio.lowlevel.current_task()
        self._waits[task] = look, fail
        if not self._is_at_work:
            self._is_at_work = True
            trio.lowlevel.spawn_system_task(self._look_again, name="penstock looks for circles of waits")
        try:
            yield
        finally:
            del self._waits[task]

    async def _look_again(self) -> None:
        me = trio.lowlevel.current_task()
        idle_tasks.add(me)
        try:
            while self._waits:
                await trio.sleep(PAUSE)
                for task, (look, fail) in tuple(self._waits.items()):
                    error = look() if task in parked or task in elsewhere else None
                    if error is not None:
                        fail(error)
        finally:
            idle_tasks.discard(me)
            self._is_at_work = False


here: trio.lowlevel.RunVar[Doubts] = trio.lowlevel.RunVar("penstock_doubts")


def doubts() -> Doubts:
    """The doubts of this run of trio."""
    try:
        return here.get()
    except LookupError:
        here.set(Doubts())
        return here.get()
