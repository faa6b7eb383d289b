"""Lazy maps: tasks that are made one by one while the graph runs."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from penstock.agents import LazyTasks, NotRun, Task, TaskGraph, Tasks, TasksFailed, TaskState
from penstock.agents.graphs.node import Node
from penstock.blocks import Threads
from penstock.blocks.base.timing import time_slice


def double(number: int) -> int:
    return 2 * number


async def triple(number: int) -> int:
    await trio.lowlevel.checkpoint()
    return 3 * number


def same(value: Any) -> Any:
    return value


def join(parts: list[str]) -> str:
    return f"({''.join(parts)})"


def sixth(number: int) -> int:
    return 6 // number


class Items:
    """A generator that notes how far it is, and whether it was closed."""

    def __init__(self, count: int, error: BaseException | None = None) -> None:
        self.given = 0
        self.is_closed = False
        self.items = self._items(count, error)

    def _items(self, count: int, error: BaseException | None) -> Iterator[int]:
        try:
            for number in range(count):
                self.given += 1
                yield number
            if error is not None:
                raise error
        finally:
            self.is_closed = True


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 64, 65, 100])
@pytest.mark.parametrize("split_every", [2, 3, 8])
def test_a_lazy_reduction_is_the_same_tree_as_that_of_a_list(count: int, split_every: int) -> None:
    graph, lazy = TaskGraph(), TaskGraph()
    tree = graph.reduce(join, graph.map(str, range(count)), split_every=split_every)
    lazy_tree = lazy.reduce(join, lazy.map(str, range(count), lazy=True), split_every=split_every)
    assert lazy.run_sync()[lazy_tree] == graph.run_sync()[tree]


@pytest.mark.parametrize("make", [lambda: None, lambda: Threads(2)])
def test_items_become_tasks_one_by_one_and_these_have_tasks_behind_them(make: Callable[[], Any]) -> None:
    graph = TaskGraph(executor=make(), concurrency=2)
    numbers: LazyTasks[int] = graph.map(double, iter(range(200)), lazy=True)
    mixed = graph.map(triple, numbers)
    total: Task[int] = graph.reduce(sum, mixed)
    behind = graph.call(double, total)
    assert graph.run_sync(keep=[total])[behind] == 2 * sum(6 * n for n in range(200))


def test_the_results_are_a_list_where_a_task_or_the_program_wants_them() -> None:
    graph = TaskGraph()
    numbers = graph.map(double, (n for n in range(5)), lazy=True)
    total = graph.fan_in(sum, numbers)
    both = graph.call(same, [numbers, 1])
    words = graph.map(str, "abc", lazy=True)
    none = graph.map(str, [], lazy=True)
    results = graph.run_sync(keep=[numbers])
    assert (results[total], results[both], results[numbers]) == (20, [[0, 2, 4, 6, 8], 1], [0, 2, 4, 6, 8])
    assert (results[words], results[none]) == (["a", "b", "c"], [])


def test_only_a_lazy_map_and_what_it_needs_can_be_run() -> None:
    other = Items(3)
    graph = TaskGraph()
    numbers = graph.map(double, range(3), lazy=True)
    graph.map(double, other.items, lazy=True)
    assert graph.run_sync(only=numbers)[numbers] == [0, 2, 4]
    assert other.given == 0


def chain(numbers: Iterator[int]) -> tuple[TaskGraph, LazyTasks[int], LazyTasks[str], Task[str]]:
    graph = TaskGraph("g")
    doubles = graph.map(double, numbers, lazy=True)
    texts = graph.map(str, doubles)
    return graph, doubles, texts, graph.reduce(join, texts, split_every=3)


@pytest.mark.parametrize("by_name", [True, False])
def test_only_its_first_tasks_can_be_run_without_those_that_use_their_results(by_name: bool) -> None:
    graph, doubles, _, joined = chain(iter(range(4)))
    results = graph.run_sync(only="double" if by_name else doubles, keep=[doubles])
    assert results[doubles] == [0, 2, 4, 6]
    assert [group.name for group in graph.statistics().groups] == ["double"]
    assert results.states == {"all of double": TaskState.COMPLETED}
    with pytest.raises(KeyError, match="was not a part of the run"):
        results[joined]
    graph, _, texts, _ = chain(iter(range(4)))
    assert graph.run_sync(only="str" if by_name else texts)[texts] == ["0", "2", "4", "6"]
    graph, _, _, joined = chain(iter(range(4)))
    assert graph.run_sync(only="join")[joined] == "((024)6)"


def test_the_name_of_a_lazy_map_with_the_name_of_its_reduction_is_that_of_the_last_one() -> None:
    graph = TaskGraph()
    total = graph.reduce(sum, graph.map(sum, iter([[1, 2], [3]]), lazy=True))
    assert graph.run_sync(only="sum")[total] == 6


def test_only_its_first_tasks_run_after_the_tasks_on_which_it_depends() -> None:
    log: list[str] = []
    graph = TaskGraph()
    make = graph.call(log.append, "make", name="make")
    work = graph.map(log.append, "ab", lazy=True)
    graph.reduce(len, work)
    with pytest.raises(TypeError, match="checkpoint must be a Checkpoint"):
        graph.run_sync(only=work, checkpoint="x")  # type: ignore[arg-type]
    work.depends_on(make)
    graph.run_sync(only=work)
    assert log == ["make", "a", "b"]


def test_results_that_something_else_in_the_run_uses_one_by_one_cannot_be_had() -> None:
    graph, doubles, texts, joined = chain(iter(range(4)))
    used = "cannot use the tasks of the lazy map 'double', because 'join' uses them, and their results are not kept"
    clashes: list[list[Any]] = [[doubles, joined], [joined, "double"], [doubles, texts]]
    for only in clashes:
        with pytest.raises(ValueError, match=f"'only' {used}"):
            graph.run_sync(only=only)
    for keep in (doubles, texts, "double"):
        with pytest.raises(ValueError, match=f"'keep' {used}"):
            graph.run_sync(keep=[keep])
    with pytest.raises(ValueError, match=r"there is no task 'doubel'; near to it: 'double'"):
        graph.run_sync(only="doubel")
    _, others, _, _ = chain(iter(range(4)))
    with pytest.raises(ValueError, match="belongs to another graph"):
        graph.run_sync(only=others)
    results = graph.run_sync()
    assert results[joined] == "((024)6)"
    with pytest.raises(ValueError, match=f"'results' {used}"):
        results[doubles]


def test_few_tasks_and_results_exist_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_slice, "clock", lambda: 0.0)  # the blocks take turns as on a quick machine

    class Number:
        """Counts how many there are."""

        now = most = 0

        def __init__(self, value: int) -> None:
            self.value = value
            weakref.finalize(self, self.gone)
            Number.now += 1
            Number.most = max(Number.most, Number.now)

        @staticmethod
        def gone() -> None:
            Number.now -= 1

    nodes: list[int] = []

    def items() -> Iterator[int]:
        yield from range(3_000)
        nodes.append(sum(type(each) is Node and each.graph is graph for each in gc.get_objects()))

    graph = TaskGraph()
    total = graph.reduce(lambda parts: Number(sum(part.value for part in parts)), graph.map(Number, items(), lazy=True))
    assert graph.run_sync()[total].value == sum(range(3_000))
    assert Number.most <= 100
    assert nodes[0] <= 200


def test_items_are_asked_for_when_there_is_room() -> None:
    items, most = Items(1_000), [0]

    def work(number: int) -> int:
        most[0] = max(most[0], items.given - number)
        return number

    graph = TaskGraph()
    total = graph.reduce(sum, graph.map(work, items.items, lazy=True))
    assert graph.run_sync()[total] == sum(range(1_000))
    assert most[0] <= 64


def test_tasks_begin_while_a_slow_iterable_makes_more_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.agents.graphs.engine.LONGEST", -1.0)  # every item takes too long
    items, most = Items(100), [0]

    def work(number: int) -> int:
        most[0] = max(most[0], items.given - number)
        return number

    graph = TaskGraph()
    total = graph.reduce(sum, graph.map(work, items.items, lazy=True))
    assert graph.run_sync()[total] == sum(range(100))
    assert most[0] <= 8


def test_it_begins_after_the_tasks_on_which_it_depends() -> None:
    log: list[str] = []
    graph = TaskGraph()
    make = graph.call(log.append, "make", name="make")
    work = graph.map(log.append, "abc", lazy=True).depends_on(make)
    graph.call(log.append, "clean", name="clean").depends_on(work)
    graph.run_sync()
    assert log == ["make", "a", "b", "c", "clean"]
    graph = TaskGraph()
    broken = graph.call(sixth, 0)
    items = Items(3)
    graph.map(double, items.items, lazy=True).depends_on(broken)
    with pytest.raises(TasksFailed) as failed:
        graph.run_sync(on_error="continue")
    assert (items.given, failed.value.results.not_run) == (0, {"all of double": "sixth"})


def test_a_generator_that_raises_is_a_failure_that_names_it() -> None:
    items = Items(3, OSError("the disk is gone"))
    graph = TaskGraph("g")
    total = graph.reduce(sum, graph.map(double, items.items, lazy=True))
    graph.call(double, total, name="behind")
    with pytest.raises(TasksFailed, match="1 task of 'g' failed") as raised:
        graph.run_sync()
    (error,) = raised.value.exceptions
    assert (str(error), error.__notes__) == (
        "the disk is gone",
        ["in the items of <LazyTasks 'double'>, after 3 items"],
    )
    assert items.is_closed
    assert raised.value.results.not_run == {"behind": "sum"}
    with pytest.raises(OSError, match="the disk is gone"):
        raised.value.results[total]


def test_after_a_failure_of_the_items_the_rest_may_go_on() -> None:
    done: list[int] = []

    def note(number: int) -> int:
        done.append(number)
        return number

    graph = TaskGraph("g")
    total = graph.reduce(sum, graph.map(note, Items(3, OSError("gone")).items, lazy=True), split_every=2)
    numbers = graph.map(double, range(3), lazy=True)
    broken = graph.map(double, Items(2, OSError("gone")).items, lazy=True)
    with pytest.raises(TasksFailed, match="2 tasks of 'g' failed") as raised:
        graph.run_sync(on_error="continue")
    results = raised.value.results
    assert (sorted(done), results[numbers]) == ([0, 1, 2], [0, 2, 4])
    for lazy in (total, broken):
        with pytest.raises(OSError, match="gone"):
            results[lazy]


def test_items_that_are_tasks_are_refused() -> None:
    graph = TaskGraph()
    one = graph.call(double, 1)
    is_closed: list[bool] = []

    def items() -> Iterator[Any]:
        try:
            yield [1, (2, 3)]
            yield [one]
        finally:
            is_closed.append(True)

    graph.map(same, items(), lazy=True)
    with pytest.raises(TasksFailed) as raised:
        graph.run_sync()
    assert is_closed
    assert "an item of a lazy map cannot be a task, got [<Task 'double'>]; give map() a list" in repr(
        raised.value.exceptions[0]
    )


def test_a_reduction_without_items_is_a_failure_that_says_so() -> None:
    graph = TaskGraph()
    graph.reduce(sum, graph.map(double, iter(()), lazy=True))
    with pytest.raises(TasksFailed) as raised:
        graph.run_sync()
    assert str(raised.value.exceptions[0]) == "there is no item, and reduce with 'sum' needs at least one"


def test_the_first_failure_of_a_task_stops_it_and_closes_the_items() -> None:
    items = Items(10_000)
    graph = TaskGraph()
    graph.reduce(sum, graph.map(sixth, items.items, lazy=True))
    with pytest.raises(TasksFailed) as raised:
        graph.run_sync()
    assert raised.value.exceptions[0].__notes__ == ["in <task 'sixth'> with 0"]
    assert raised.value.results.failed.keys() == {"sixth"}
    assert items.is_closed
    assert items.given < 100


@pytest.mark.parametrize("zeros", [{0}, {1}, {8}, {9}, {3, 9}, {*range(10)}])
@pytest.mark.parametrize("make", [lambda: None, lambda: Threads(2)])
def test_it_may_go_on_after_a_failure_of_a_task(zeros: set[int], make: Callable[[], Any]) -> None:
    graph = TaskGraph(executor=make())
    numbers = [0 if n in zeros else 1 for n in range(10)]
    total = graph.reduce(sum, graph.map(sixth, numbers, lazy=True), split_every=2)
    listed = graph.map(sixth, numbers, lazy=True)
    with pytest.raises(TasksFailed) as raised:
        graph.run_sync(on_error="continue")
    results = raised.value.results
    assert len(raised.value.exceptions) == 2 * len(zeros)
    assert len(results.failed) == 2 * len(zeros)
    assert {results.states[name] for name in results.not_run} == {TaskState.NOT_RUN}
    for lazy in (total, listed):
        with pytest.raises(NotRun, match=r"was not run, because <task 'sixth( \d+)?'>, which it needs, has failed"):
            results[lazy]


@pytest.mark.parametrize("split_every", [2, 64])
def test_what_a_failure_has_prevented_is_not_run_when_it_comes_later(split_every: int) -> None:
    ran: list[int] = []

    def divide(number: int) -> int:
        ran.append(number)
        return 6 // number

    graph = TaskGraph()
    total = graph.reduce(sum, graph.map(divide, range(100), lazy=True), split_every=split_every)
    listed = graph.map(divide, range(100), lazy=True)
    with pytest.raises(TasksFailed, match="2 tasks of") as raised:
        graph.run_sync(on_error="continue")
    assert sorted(ran) == sorted([*range(100)] * 2)
    for lazy in (total, listed):
        with pytest.raises(NotRun, match=r"because <task 'divide( \d+)?'>, which it needs, has failed"):
            raised.value.results[lazy]


def test_of_many_failures_the_first_thousand_are_kept_and_the_others_counted() -> None:
    graph = TaskGraph("g")
    graph.reduce(sum, graph.map(same, graph.map(sixth, [0] * 1_003, lazy=True)), split_every=2)
    graph.map(int, ["a"] * 3, lazy=True)
    graph.map(float, ["a"] * 1_002)  # not lazy: all are kept
    with pytest.raises(TasksFailed) as raised:
        graph.run_sync(on_error="continue")
    assert raised.value.message == "2008 tasks of 'g' failed; the exceptions of 3 of them were not kept"
    assert len(raised.value.exceptions) == 2_005
    results = raised.value.results
    failed, not_run = list(results.failed), list(results.not_run)
    assert [name for name in failed if "sixth" in name] == ["sixth", *(f"sixth {n}" for n in range(2, 1_001))]
    assert len(failed) == 2_005
    assert sorted(name.split()[0] for name in not_run) == ["all"] + ["same"] * 1_000 + ["sum"] * 1_001
    groups = graph.statistics()
    assert (groups["sixth"].failed, groups["same"].not_run, groups["sum"].not_run) == (1_003, 1_003, 1_002)


@pytest.mark.parametrize("make", [lambda: None, lambda: Threads(2)])
@pytest.mark.parametrize("reduced", [True, False])
@pytest.mark.parametrize("every", [1, 3])
def test_many_failures_need_no_more_memory_than_few(
    make: Callable[[], Any], reduced: bool, every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.agents.graphs.engine.KEPT", 5)

    class Result:
        """A result that can be counted."""

    alive: list[int] = []

    def items() -> Iterator[int]:
        yield from range(1_000)
        found = gc.get_objects()
        alive.append(sum((type(each) is Node and each.graph is graph) or type(each) is Result for each in found))

    def work(number: int) -> Any:
        if number % every == 0:
            raise OSError(number)
        return Result()

    graph = TaskGraph(executor=make(), concurrency=2)
    results: Any = graph.map(same, graph.map(work, items(), lazy=True))
    if reduced:
        graph.reduce(lambda parts: parts[0], results)
    with pytest.raises(TasksFailed):
        graph.run_sync(on_error="continue")
    assert alive[0] <= 1_000


def test_the_items_may_fail_after_a_task() -> None:
    graph = TaskGraph()
    numbers = graph.map(sixth, Items(100, OSError("gone")).items, lazy=True)
    with pytest.raises(TasksFailed) as raised:
        graph.run_sync(on_error="continue")
    assert [type(error) for error in raised.value.exceptions] == [ZeroDivisionError, OSError]
    with pytest.raises(NotRun):
        raised.value.results[numbers]


async def test_a_cancelled_run_closes_the_items() -> None:
    items = Items(1_000)
    graph = TaskGraph(concurrency=2)
    with trio.CancelScope() as scope:

        async def work(number: int) -> None:
            if number == 50:
                scope.cancel()
            await trio.lowlevel.checkpoint()

        graph.map(work, items.items, lazy=True)
        graph.map(work, range(1_000), lazy=True)
        await graph.run()
    assert scope.cancelled_caught
    assert items.is_closed
    assert items.given < 200


@pytest.mark.parametrize("fails", [True, False])
async def test_items_whose_end_raises_are_told(fails: bool) -> None:
    def items() -> Iterator[int]:
        try:
            yield 0
            yield 1
            while True:
                yield 2
        finally:
            raise OSError("not closed")

    graph = TaskGraph()

    async def work(number: int) -> int:
        if number == 0:
            if fails:
                return 1 // number
            scope.cancel()
        await trio.sleep_forever()
        return number

    graph.map(work, items(), lazy=True)
    with trio.CancelScope() as scope, pytest.raises((TasksFailed, OSError)) as raised:
        await graph.run()
    errors = raised.value.exceptions if isinstance(raised.value, TasksFailed) else [raised.value]
    assert [type(each) for each in errors] == [ZeroDivisionError, OSError][not fails :]
    assert errors[-1].__notes__ == ["while the items of <LazyTasks 'work'> were closed"]


def test_the_tasks_of_a_lazy_map_are_used_once() -> None:
    graph = TaskGraph("g")
    one, two, three, four = (graph.map(double, range(3), lazy=True) for _ in range(4))
    total = graph.reduce(sum, one)
    with pytest.raises(
        ValueError, match="'sum' cannot use the tasks of the lazy map 'double', because 'sum' uses them"
    ):
        graph.reduce(sum, one)
    behind = graph.map(same, two)
    with pytest.raises(ValueError, match="because 'same' uses them, and their results are not kept; give map"):
        graph.call(same, two)
    graph.call(same, three, name="user")
    with pytest.raises(ValueError, match="because 'user' uses them"):
        graph.map(same, three)
    with pytest.raises(ValueError, match="'keep' cannot use the tasks of the lazy map"):
        graph.run_sync(keep=[two])
    results = graph.run_sync()
    assert (results[total], results[behind], results[four]) == (6, [0, 2, 4], [0, 2, 4])
    with pytest.raises(ValueError, match="'results' cannot use the tasks of the lazy map 'double'"):
        results[one]
    assert {"all of same", "sum", "all of double 3", "all of double 4"} <= {*results.states}


def test_what_needs_their_number_says_what_to_do() -> None:
    graph, other = TaskGraph("g"), TaskGraph()
    numbers: Any = graph.map(double, range(3), lazy=True)
    assert repr(numbers) == "<LazyTasks 'double'>"
    assert numbers
    for use in (lambda: len(numbers), lambda: numbers[0], lambda: list(numbers), lambda: graph.fan_in(sum, [*numbers])):
        with pytest.raises(TypeError, match=r"<LazyTasks 'double'>: .*; give map\(\) a list, without lazy=True"):
            use()
    with pytest.raises(TypeError, match="TaskGraph 'g': the items of 'double' must be iterable, got 3"):
        graph.map(double, 3, lazy=True)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="belongs to another graph"):
        other.map(double, numbers)
    with pytest.raises(ValueError, match="belongs to another graph"):
        other.call(same, numbers)
    graph.run_sync()
    with pytest.raises(RuntimeError, match="it has run, so 'double' cannot be added"):
        graph.map(double, range(3), lazy=True)


def test_the_critical_path_goes_through_it() -> None:
    graph = TaskGraph()
    total = graph.reduce(sum, graph.map(double, range(20), lazy=True))
    listed = graph.map(double, range(20), lazy=True)
    names, seconds = graph.run_sync().critical_path()
    assert names in (["sum"], ["all of double 2"])
    assert seconds == max(total.node.seconds, listed.leaves.node.seconds) > 0


def test_it_is_drawn_without_a_number() -> None:
    graph = TaskGraph()
    texts = graph.map(str, graph.map(double, range(20), lazy=True))
    joined = graph.reduce(join, texts)
    graph.call(len, joined)
    drawing = [
        "flowchart LR",
        '    n0["join × …"]',
        '    n1["len"]',
        '    n2["double × …"]',
        '    n3["str × …"]',
        "    n0 --> n1",
        "    n2 --> n3",
        "    n3 --> n0",
        "    n0 --> n0",
    ]
    assert graph.mermaid().splitlines() == drawing
    graph.run_sync()
    assert '    n1["len, 1 done"]' in graph.mermaid()


@given(
    zeros=st.sets(st.integers(0, 40)),
    count=st.integers(1, 40),
    split_every=st.integers(2, 5),
    chain=st.booleans(),
    workers=st.sampled_from([0, 2]),
)
def test_it_gives_what_a_list_gives(zeros: set[int], count: int, split_every: int, chain: bool, workers: int) -> None:
    def divide(number: int) -> int:
        return 1 // (number not in zeros)

    def outcome(graph: TaskGraph, numbers: Tasks[int] | LazyTasks[int]) -> tuple[int | None, int, list[Any]]:
        total = graph.reduce(sum, numbers, split_every=split_every)
        value, errors = None, 0
        try:
            value = graph.run_sync(on_error="continue")[total]
        except TasksFailed as failed:
            errors = len(failed.exceptions)
        groups = [(group.name, group.completed, group.failed, group.not_run) for group in graph.statistics().groups]
        return value, errors, sorted(group for group in groups if any(group[1:]))

    executor = Threads(workers) if workers else None
    graph, lazy = TaskGraph(executor=executor), TaskGraph(executor=executor)
    numbers, others = graph.map(divide, range(count)), lazy.map(divide, range(count), lazy=True)
    if chain:
        numbers, others = graph.map(double, numbers), lazy.map(double, others)
    assert outcome(lazy, others) == outcome(graph, numbers)


@pytest.mark.slow
def test_many_tasks_need_no_more_memory_than_a_thousand() -> None:
    nodes: list[int] = []

    def items() -> Iterator[int]:
        yield from range(300_000)
        nodes.append(sum(type(each) is Node and each.graph is graph for each in gc.get_objects()))

    graph = TaskGraph()
    total = graph.reduce(sum, graph.map(same, items(), lazy=True))
    assert graph.run_sync()[total] == sum(range(300_000))
    assert nodes[0] <= 200
