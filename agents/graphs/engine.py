"""Runs the tasks of a graph in a network with one function block per group of tasks.

States of a task: waiting → queued (it is with a block) → completed or failed; or waiting → not run. Invariant:
`missing` of a waiting task is the number of tasks that must end before it and have not; a task is ready when that is 0;
a result is kept until the last task that needs it has ended, unless it is wanted. Up to `budget` tasks are with the
blocks.

The tasks of a lazy map are made when there is room for a task and no other one is ready, and forgotten when they have
ended. Their places are negative, the newest first: those that use results go before those that make new ones. The node
that stands for all of them waits, besides for its tasks, for the end of the items, which counts in its `missing` too.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence, Sized
from heapq import heappop, heappush
from time import perf_counter
from typing import Any, cast

import trio

from penstock.agents.tasks.executors import as_sent, runs_here
from penstock.agents.tasks.task_state import TaskState
from penstock.blocks import ErrorInfo, Network, UnboundedBuffer
from penstock.blocks.base.error_info import annotate, shorten
from penstock.blocks.core.block_core import core_of

from .budget import Budget
from .group_blocks import Done, GroupBlocks, Job, RunSettings
from .growth import Growth
from .node import Nested, Node, OptionalNode
from .on_cluster import fetch_results, sent_there
from .recipe import Recipe
from .results import ended
from .statistics import GraphStatistics, Tally, statistics_of

LONGEST = 0.005
"""Seconds for which items of lazy maps are asked for before the loop goes on."""
KEPT = 1_000
"""Up to this many failures of each group of tasks that lazy maps have made are kept, and tasks that were not run."""
WAITING, QUEUED, COMPLETED = TaskState.WAITING, TaskState.QUEUED, TaskState.COMPLETED
FAILED, NOT_RUN = TaskState.FAILED, TaskState.NOT_RUN


class Engine:
    """One run.

    Args:
        nodes: The nodes, each after those that it needs, and in the order in which those that are ready begin.
        recipe: The graph.
        settings: How it runs.

    Attributes:
        errors: The exceptions of the tasks that have failed, in the order in which they came; of lazy maps the first.
        others: How many others there were.
        lost: The tasks of lazy maps that have no result; the first of them.
    """

    def __init__(self, nodes: Sequence[Node], recipe: Recipe, settings: RunSettings) -> None:
        self.errors: list[Exception] = []
        self.others: int = 0
        self.lost: list[Node] = []
        self._nodes = nodes
        self._place = {node: place for place, node in enumerate(nodes)}
        self._recipe = recipe
        self._settings = settings
        self._keeping = settings.keeping
        self._is_plain = settings.keeping is None and runs_here(settings.executor)
        self._functions: dict[int, Callable[..., Any]] = {}
        self._done: UnboundedBuffer[Done | ErrorInfo] = UnboundedBuffer(name="done")
        self._waiting: Sized = core_of(self._done).outbox
        self._budget = Budget(settings.concurrency, is_on_loop=settings.executor is None)
        self._growths = {each.node: Growth(each, self) for each in recipe.lazy.values() if each.node in self._place}
        self._blocks = GroupBlocks(settings, recipe, self._done)
        self._block_of = self._blocks.of_all(nodes)
        self._growing: deque[Growth] = deque()
        self._made: dict[int, Node] = {}
        self._made_so_far = 0
        self._ended: defaultdict[str, Tally] = defaultdict(lambda: Tally(is_sampled=True))
        self._reached: dict[Node, float] = {}  # the seconds from the start to the end of nodes that were made
        self._ready: list[int] = []
        self._out = 0
        self._left = len(nodes)
        for place, node in enumerate(nodes):
            if node.inputs or node.after or node in self._growths:
                self._begin(node)
            else:
                self._ready.append(place)  # the places come in order, so this is a heap

    def statistics(self) -> GraphStatistics:
        """The numbers of the groups so far."""
        nodes = (*self._nodes, *self._made.values())
        return statistics_of(self._settings.name, nodes, self._recipe.lazy, self._ended)

    def _begin(self, node: Node) -> Node | None:
        """Prepare a node, after those that it needs; return one of these that has no result, if there is one."""
        lost = None
        for each in node.before():
            if self._waits_for(node, each):
                lost = each
        for each in node.inputs:
            each.uses_left += 1
        if not node.missing and lost is None:
            self._may_run(node)
        return lost

    def _waits_for(self, node: Node, before: Node) -> bool:
        """Let a node wait for another one; whether that one has ended without a result."""
        if before.state is WAITING or before.state is QUEUED:
            node.missing += 1
            if before.users is None:
                before.users = []
            before.users.append(node)
            return False
        return before.state is not COMPLETED

    def _may_run(self, node: Node) -> None:
        """A node for which all has ended that it needs is ready; a lazy map begins, or has ended."""
        growth = self._growths.get(node)
        if growth is None:
            heappush(self._ready, self._place[node])
        elif not growth.has_begun:
            growth.has_begun = True
            node.missing = 1  # the end of the items
            self._growing.append(growth)
        else:
            node.digest = node.inputs[0].digest if node.inputs else growth.digest()
            self._end(node, COMPLETED, node.inputs[0].value if node.inputs else growth.values)

    def add(self, node: Node) -> None:
        """Add a task of a lazy map, after those that it needs."""
        self._made_so_far += 1
        self._left += 1
        self._place[node] = -self._made_so_far
        self._made[-self._made_so_far] = node
        lost = self._begin(node)
        if lost is not None:
            self._end(node, NOT_RUN, cause_of(lost))

    def number(self, group: str) -> int:
        """The next number in a group."""
        return self._recipe.number(group)

    def release(self, node: Node) -> None:
        """Drop a result that was held back, unless a task needs it."""
        node.uses_left -= 1
        forget(node)

    async def run(self) -> None:
        """Run all tasks."""
        if not self._nodes:
            await trio.lowlevel.checkpoint()
            return
        try:
            async with Network(*self._blocks.all(), name=self._settings.name, **self._settings.network) as network:
                while self._left or self._growing:
                    while self._hand_out():
                        await trio.lowlevel.checkpoint()
                    if self._out:
                        message = await self._done.receive()
                        if not isinstance(message, ErrorInfo):
                            self._budget.learn(message[2])
                        self._take(message)
                        for _ in range(len(self._waiting)):  # of these, most are lent: so they cost little
                            self._take(await self._done.receive())
                    if self.errors and self._settings.stops:
                        network.cancel()
                        break
            await self._fetch()
        finally:
            for growth in self._growing:
                self._close(growth)

    async def _fetch(self) -> None:
        """Fetch the results that are kept, if they are on a cluster."""
        if self._settings.cluster is not None:
            try:
                await fetch_results(self._settings.cluster, self._nodes)
            except Exception as error:
                annotate(error, f"while the results of graph {self._settings.name!r} were fetched")
                self.errors.append(error)

    def _close(self, growth: Growth) -> None:
        """Close the items of a lazy map that were not all asked for."""
        try:
            growth.close()
        except Exception as error:
            annotate(error, f"while the items of {growth.leaves} were closed")
            if not self.errors:
                raise
            self.errors.append(error)

    def _hand_out(self) -> bool:
        """Give the blocks the tasks that are ready, the first ones in the order first.

        Returns:
            Whether it has stopped early, so that tasks begin while a slow iterable makes more items.
        """
        until = perf_counter() + LONGEST
        budget = self._budget.tasks
        while self._out < budget and (self._ready or self._grow()):
            place = heappop(self._ready)
            node = self._nodes[place] if place >= 0 else self._made[place]
            node.state = QUEUED
            args = tuple(map(filled, node.args)) if node.inputs else node.args
            function = node.function
            if not self._is_plain:
                try:
                    function = self._sent(node)
                except Exception as error:
                    self._fail(node, error)
                    continue
            block = self._block_of[place] if place >= 0 else self._blocks.of(node.group, node.function)
            block.send_nowait((place, function, args))
            self._out += 1
            if place < 0 and perf_counter() > until:
                return True
        return False

    def _sent(self, node: Node) -> Callable[..., Any]:
        """What a block calls in place of the function of a task.

        Raises:
            TypeError: It cannot be pickled, or an argument cannot be pickled for the checkpoint.
        """
        function = self._functions.get(id(node.function))  # a callable object may have no hash; the nodes keep it alive
        if function is None:
            function, is_async = node.function, self._recipe.is_async(node.function)
            if self._settings.cluster is not None:
                function = sent_there(self._settings.cluster, node.group, function, is_async)
            elif not is_async:
                function = as_sent(self._settings.executor, function, f"task {node.name!r}")
            self._functions[id(node.function)] = function
        return function if self._keeping is None else self._keeping.kept(node, function)

    def _at(self, place: int) -> Node:
        """The node at a place."""
        return self._nodes[place] if place >= 0 else self._made[place]

    def _grow(self) -> bool:
        """Make tasks of lazy maps until one is ready; whether one is."""
        while self._growing and not self._ready:
            growth = self._growing.popleft()
            try:
                if growth.grow():
                    self._growing.appendleft(growth)
                else:
                    self._has_grown(growth)
            except Exception as error:
                annotate(error, f"in the items of {growth.leaves}, after {growth.number} items")
                self.errors.append(error)
                self._close(growth)
                if growth.leaves.node.state is WAITING:
                    self._end(growth.leaves.node, FAILED, error)
        return bool(self._ready)

    def _has_grown(self, growth: Growth) -> None:
        """Go on after the last item of a lazy map."""
        root, last = growth.leaves.node, growth.last()
        if root.state is not WAITING:
            return
        if last is not None:
            root.inputs = (last,)  # it has the use for which the result was held back
            root.seconds = self._reached.pop(last, 0.0)
            if self._waits_for(root, last):
                self._end(root, NOT_RUN, cause_of(last))
                return
        root.missing -= 1
        if not root.missing:
            self._may_run(root)

    def _take(self, message: Done | ErrorInfo) -> None:
        """Note how a task has ended."""
        self._out -= 1
        if isinstance(message, ErrorInfo):
            place, _, args = cast("Job", message.item)
            node, error = self._at(place), message.exception
            annotate(error, f"in {node} with {', '.join(map(shorten, args)) or 'no arguments'}")
            assert isinstance(error, Exception)
            self._fail(node, error)
        else:
            place, value, node_seconds = message
            node = self._nodes[place] if place >= 0 else self._made[place]
            node.seconds = node_seconds
            if self._keeping is not None:
                value = self._keeping.take(node, value)
            if self._growths:
                self._end(node, COMPLETED, value)
            else:
                self._succeed(node, value)

    def _fail(self, node: Node, error: Exception) -> None:
        """End a task that has failed."""
        if self._place[node] < 0 and self._ended[node.group].number(FAILED) >= KEPT:
            self.others += 1
        else:
            self.errors.append(error)
        self._end(node, FAILED, error)

    def _succeed(self, node: Node, value: Any) -> None:
        """End a task with its result, if there are no lazy maps: the same as `_end`, sooner."""
        node.state = COMPLETED
        if node.uses_left or node.is_wanted:
            node.value = value
        self._left -= 1
        for each in node.inputs:
            each.uses_left -= 1
            if not each.uses_left:
                forget(each)
        for user in node.users or ():
            user.missing -= 1
            if not user.missing and user.state is WAITING:
                heappush(self._ready, self._place[user])

    def _end(self, node: Node, state: TaskState, value: Any) -> None:
        """End a task, and those that cannot run any more; those that can are ready."""
        node.state, node.value = state, value
        ends, has_lazy = [node], bool(self._growths)
        while ends:
            one = ends.pop()
            self._left -= 1
            for each in one.inputs:
                each.uses_left -= 1
                forget(each)
            forget(one)
            for user in one.users or ():
                user.missing -= 1
                if user.state is not WAITING:
                    continue
                if one.state is not COMPLETED and one not in user.optional:
                    user.state = NOT_RUN
                    user.value = cause_of(one)
                    ends.append(user)
                    if has_lazy and user in self._growths:
                        self._growths[user].give_up()
                    continue
                if has_lazy and user in self._growths:
                    self._growths[user].take(one)
                if not user.missing:
                    self._may_run(user)
            if has_lazy:
                self._note_end(one)

    def _note_end(self, node: Node) -> None:
        """Forget a node that was made by a lazy map, unless it has no result."""
        place = self._place[node]
        if place >= 0:
            return
        seconds = node.seconds + max((self._reached.pop(each, 0.0) for each in node.inputs), default=0.0)
        user = node.users[0] if node.users else node
        if user in self._growths:
            user.seconds = max(user.seconds, seconds)
        elif user is node or user.state is not NOT_RUN:
            self._reached[node] = seconds
        tally = self._ended[node.group]
        tally.count(node)
        if node.state is not COMPLETED and tally.number(node.state) <= KEPT:
            self.lost.append(node)
        del self._made[place], self._place[node]
        node.args = node.inputs = ()
        node.users = None


def cause_of(node: Node) -> Node:
    """The node that has failed because of which one that has ended has no result."""
    cause: Node = node if node.state is FAILED else node.value
    return cause


def forget(node: Node) -> None:
    """Drop a result that no task needs any more."""
    if not node.uses_left and not node.is_wanted and node.state is COMPLETED:
        node.value = None


def filled(value: Any) -> Any:
    """An argument with results in place of nodes."""
    if isinstance(value, Node):
        return value.value
    if isinstance(value, OptionalNode):
        return ended(value.node)
    if isinstance(value, Nested):
        return value.kind([each.value if type(each) is Node else filled(each) for each in value.parts])
    return value
