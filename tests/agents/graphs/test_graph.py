"""Task graphs: what can be described, and what comes out."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from inspect import signature
from typing import Any

import pytest
import trio

from penstock.agents import Ended, NotRun, Task, TaskGraph, Tasks, TasksFailed, TaskState, optional
from penstock.blocks import Processes, Recording, Retry, Skip, Threads, TimeLimitExceeded
from penstock.blocks.base.timing import time_slice


def double(number: int) -> int:
    return 2 * number


def times(value: int, index: int) -> int:
    return value * index


async def triple(number: int) -> int:
    await trio.lowlevel.checkpoint()
    return 3 * number


def add(one: int, other: int = 0) -> int:
    return one + other


def fail(number: int = 0) -> int:
    raise ValueError(number)


def second_of(one: Any, other: Any) -> Any:
    return other


def total_of(numbers: list[int]) -> int:
    return sum(numbers)


def same(value: Any) -> Any:
    return value


def test_tasks_run_after_those_that_they_need() -> None:
    graph = TaskGraph("g")
    one = graph.call(double, 1)
    two = graph.call(triple, one)
    three = graph.call(add, one, two, name="three")
    assert [task.name for task in (one, two, three)] == ["double", "triple", "three"]
    assert (repr(graph), len(graph), repr(three)) == ("<TaskGraph 'g', 3 tasks>", 3, "<Task 'three'>")
    results = graph.run_sync(keep=[one])
    assert (results[three], results[one]) == (8, 2)
    assert repr(results) == "<Results, 3 of 3 tasks have completed>"
    assert {*results.states.values()} == {TaskState.COMPLETED}
    with pytest.raises(KeyError, match="the result of <task 'triple'> was not kept, because other tasks use it; give"):
        results[two]


def test_groups_of_tasks() -> None:
    graph = TaskGraph()
    numbers = graph.map(double, range(5))
    again = graph.map(triple, numbers)
    several = graph.parallel(3, same)
    out = graph.fan_out(again[1], 3, times)
    total = graph.fan_in(sum, out)
    assert (len(numbers), repr(numbers), [task.name for task in numbers][:2]) == (
        5,
        "<Tasks 'double', 5>",
        ["double", "double 2"],
    )
    assert repr(numbers[:0]) == "<Tasks '', 0>"
    results = graph.run_sync(keep=[again, numbers[:2]])
    assert results[again] == [0, 6, 12, 18, 24]
    assert results[numbers[:2]] == [0, 2]
    assert results[several] == [0, 1, 2]
    assert results[total] == 6 * (0 + 1 + 2)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 64, 65, 100])
@pytest.mark.parametrize("split_every", [2, 3, 8])
def test_a_reduction_is_a_tree_over_all_in_order(count: int, split_every: int) -> None:
    graph = TaskGraph()
    sizes: list[int] = []

    def join(parts: list[str]) -> str:
        sizes.append(len(parts))
        return "".join(parts)

    result = graph.reduce(join, graph.map(chr, range(48, 48 + count)), split_every=split_every)
    assert graph.run_sync()[result] == "".join(map(chr, range(48, 48 + count)))
    assert all(2 <= size <= split_every for size in sizes)


def test_tasks_in_lists_and_tuples_however_deep_are_inputs() -> None:
    graph = TaskGraph()
    one, numbers = graph.call(double, 1), graph.map(double, [2, 3])
    plain = [[1]]
    nested = graph.call(same, [one, (numbers, 5), [numbers[0]]])
    mixed = graph.fan_in(same, [one, numbers[1]])
    as_it_is = graph.call(same, plain)
    beside = graph.call(second_of, one, plain)
    results = graph.run_sync()
    assert results[nested] == [2, ([4, 6], 5), [4]]
    assert results[mixed] == [2, 6]
    assert results[as_it_is] is plain
    assert results[beside] is plain


def test_order_without_results() -> None:
    log: list[str] = []
    graph = TaskGraph()
    make = graph.call(log.append, "make", name="make")
    work = graph.map(log.append, "abc").depends_on(make)
    clean = graph.call(log.append, "clean", name="clean").depends_on(work, make).depends_on(work[0])
    graph.run_sync()
    assert (log[0], sorted(log[1:4]), log[4]) == ("make", ["a", "b", "c"], "clean")
    assert isinstance(clean, Task)


def test_a_circle_is_refused_with_its_path() -> None:
    graph = TaskGraph()
    a = graph.call(same, 1, name="a")
    b = graph.call(same, a, name="b")
    c = graph.call(same, [b], name="c")
    with pytest.raises(ValueError, match="'a'> cannot depend on <task 'c'>, which needs it: 'a' → 'b' → 'c' → 'a'"):
        a.depends_on(c)
    with pytest.raises(ValueError, match="'a' → 'a'"):
        a.depends_on(a)
    assert graph.run_sync()[c] == [1]


def test_only_what_is_needed_runs() -> None:
    ran: list[str] = []
    graph = TaskGraph()
    a, b, c = (graph.call(lambda name: ran.append(name), name, name=name) for name in "abc")
    d = graph.call(same, b, name="d")
    results = graph.run_sync(only=[d, a, b])
    assert sorted(ran) == ["a", "b"]
    assert results[d] is None
    with pytest.raises(KeyError, match="<task 'c'> was not a part of the run"):
        results[c]
    graph = TaskGraph()
    numbers = graph.map(double, range(3))
    graph.call(fail)
    assert graph.run_sync(only=numbers)[numbers] == [0, 2, 4]


def test_tasks_may_be_chosen_by_name() -> None:
    def make() -> tuple[TaskGraph, Tasks[int], Task[int], Task[int]]:
        graph = TaskGraph("g")
        numbers = graph.map(double, range(9))
        total = graph.reduce(total_of, numbers, split_every=2)
        graph.call(fail, name="broken")
        return graph, numbers, total, graph.call(same, total, name="summary")

    graph, numbers, total, summary = make()
    assert graph.run_sync(only="summary", keep="total_of")[summary] == 72
    graph, numbers, total, summary = make()
    results = graph.run_sync(only=["total_of", numbers[1]], keep=["double 3"])
    assert (results[total], results[numbers[1:3]], len(results.states)) == (72, [2, 4], 9 + 8)
    graph, numbers, total, summary = make()
    results = graph.run_sync(only=("double",))
    assert (results[numbers], len(results.states)) == ([*range(0, 18, 2)], 9)
    graph, *_ = make()
    lazy = graph.map(abs, range(3), lazy=True)
    assert graph.run_sync(only="abs")[lazy] == [0, 1, 2]


def test_a_name_that_is_not_there_or_not_unique_is_an_error() -> None:
    graph = TaskGraph("g")
    graph.map(double, range(3))
    graph.call(same, 1, name="double 2")
    with pytest.raises(ValueError, match="TaskGraph 'g': there is no task 'doubel'; near to it: 'double', 'double "):
        graph.run_sync(only="doubel")
    with pytest.raises(ValueError, match=r"there is no task 'x'; there are 'double', 'double 2', 'double 3'$"):
        graph.run_sync(keep=["x"])
    with pytest.raises(ValueError, match="'double 2' is the name of several tasks, of the groups 'double' and 'double"):
        graph.run_sync(only=["double 2"])
    with pytest.raises(ValueError, match=r"there is no task 'x'; there are none$"):
        TaskGraph("g").run_sync(only="x")
    with pytest.raises(ValueError, match=r"there are '0', '1', '2', '3', '4' and 1 more$"):
        many(6).run_sync(only="x")
    assert len(graph.run_sync(only="double 3").states) == 1


def many(count: int) -> TaskGraph:
    graph = TaskGraph("g")
    for number in range(count):
        graph.call(double, number, name=str(number))
    return graph


def test_the_first_failure_stops_the_run_and_names_its_task() -> None:
    ran: list[int] = []
    graph = TaskGraph("g")
    first = graph.call(fail, 3, name="broken")
    graph.call(ran.append, first)
    later = graph.call(ran.append, 1, name="later").depends_on(first)
    with pytest.raises(TasksFailed, match="1 task of 'g' failed") as raised:
        graph.run_sync()
    (error,) = raised.value.exceptions
    assert (error.args, error.__notes__) == ((3,), ["in <task 'broken'> with 3"])
    assert ran == []
    results = raised.value.results
    assert {*results.failed} == {"broken"}
    assert results.not_run == {"list.append": "broken", "later": "broken"}
    with pytest.raises(
        NotRun, match="<task 'later'> was not run, because <task 'broken'>, which it needs, has failed"
    ) as not_run:
        results[later]
    assert not_run.value.__cause__ is error
    with pytest.raises(ValueError, match="3"):
        results[first]


def test_it_may_go_on_after_a_failure() -> None:
    graph = TaskGraph("g")
    numbers = graph.map(lambda n: 6 // n, [0, 1, 2, 0, 3])
    doubled = graph.map(double, numbers)
    total = graph.fan_in(sum, doubled)
    good = graph.fan_in(sum, numbers[1:3])
    with pytest.raises(TasksFailed, match="2 tasks of 'g' failed") as raised:
        graph.run_sync(on_error="continue", keep=[doubled])
    results = raised.value.results
    assert [type(error) for error in raised.value.exceptions] == [ZeroDivisionError] * 2
    assert (results[good], [results[doubled[n]] for n in (1, 2, 4)]) == (9, [12, 6, 4])
    assert {"sum", "double", "double 4"} == {*results.not_run}
    with pytest.raises(NotRun):
        results[total]
    split = raised.value.split(ZeroDivisionError)[0]
    assert isinstance(split, TasksFailed)
    assert split.results is results


def test_an_optional_input_is_told_how_it_has_ended() -> None:
    graph = TaskGraph()
    good, bad = graph.call(double, 2), graph.call(fail, 1)
    behind = graph.call(double, bad, name="behind")
    told = graph.call(same, [optional(good), optional(bad), optional(behind)])
    both = graph.call(same, (good, optional(good)))
    with pytest.raises(TasksFailed) as raised:
        graph.run_sync(on_error="continue")
    one, two, three = raised.value.results[told]
    assert one == Ended(4, None)
    assert isinstance(two.error, ValueError)
    assert isinstance(three.error, NotRun)
    assert raised.value.results[both] == (4, Ended(4, None))
    with pytest.raises(TypeError, match="optional: needs a task, got 3"):
        optional(3)  # type: ignore[arg-type]


def test_a_reduction_keeps_few_results(monkeypatch: pytest.MonkeyPatch) -> None:
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

    graph = TaskGraph()
    numbers = graph.map(Number, range(5_000))
    total = graph.reduce(lambda parts: Number(sum(part.value for part in parts)), numbers)
    assert graph.run_sync()[total].value == sum(range(5_000))
    assert Number.most <= 100


@pytest.mark.parametrize("make", [lambda: None, lambda: Threads(2), lambda: Processes(1)])
def test_functions_run_on_the_loop_or_in_an_executor(make: Callable[[], Any]) -> None:
    graph = TaskGraph(executor=make(), concurrency=2)
    numbers = graph.map(double, range(200))
    mixed = graph.map(triple, numbers)
    total = graph.reduce(lambda parts: sum(parts), mixed)  # processes cannot import it
    assert graph.run_sync()[total] == sum(6 * n for n in range(200))


def test_functions_of_the_graph_are_awaited_at_once_up_to_the_concurrency() -> None:
    now: list[int] = []
    most: list[int] = []

    async def wait(number: int) -> int:
        now.append(number)
        most.append(len(now))
        for _ in range(5):
            await trio.lowlevel.checkpoint()
        now.remove(number)
        return number

    graph = TaskGraph(concurrency=3)
    numbers = graph.map(wait, range(20))
    assert graph.run_sync()[numbers] == [*range(20)]
    assert max(most) == 3


def test_a_task_is_tried_again_and_has_a_time_limit() -> None:
    tries: list[int] = []

    def flaky() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError
        return len(tries)

    graph = TaskGraph(on_error=Retry(2))
    result = graph.call(flaky)
    assert graph.run_sync()[result] == 3
    graph = TaskGraph(on_error=Retry(2), time_limit=0.001)
    graph.call(trio.sleep, 1_000)
    with pytest.raises(TasksFailed) as raised:
        graph.run_sync()
    assert isinstance(raised.value.exceptions[0], TimeLimitExceeded)


async def test_a_cancelled_run_stops() -> None:
    graph = TaskGraph()
    graph.call(trio.sleep_forever)
    with trio.move_on_after(1) as scope:
        await graph.run()
    assert scope.cancelled_caught


def test_a_task_in_a_dict_is_refused() -> None:
    graph = TaskGraph()
    task = graph.call(double, 1)
    for wrong in ({"a": task}, {"a": [1, {"b": (task,)}]}):
        with pytest.raises(TypeError, match=r"task 'same': its argument \{'a': .* is a dict with tasks in it, which"):
            graph.call(same, wrong)
        with pytest.raises(TypeError, match="task 'same': its argument"):
            graph.map(same, [[wrong]])
    plain = graph.call(same, {"a": 1})
    assert graph.run_sync()[plain] == {"a": 1}


async def test_in_trio_it_is_awaited() -> None:
    graph = TaskGraph("g")
    result = graph.call(triple, 2)
    with pytest.raises(RuntimeError, match=r"run_sync\(\) would hold this loop; use `await graph.run\(\)`"):
        graph.run_sync()
    assert (await graph.run())[result] == 6
    with pytest.raises(RuntimeError, match="TaskGraph 'g': it has run already; make another graph"):
        await graph.run()
    with pytest.raises(RuntimeError, match="it has run, so 'triple' cannot be added; make another graph"):
        graph.call(triple, 2)


def test_a_graph_without_tasks_runs() -> None:
    results = TaskGraph().run_sync()
    assert repr(results) == "<Results, 0 of 0 tasks have completed>"
    assert results.critical_path() == ([], 0.0)


def test_many_groups_share_a_block() -> None:
    graph = TaskGraph()
    tasks = [graph.call(double, n, name=f"task {n}") for n in range(40)]
    others = [graph.call(triple, n, name=f"async {n}") for n in range(40)]
    results = graph.run_sync()
    assert [results[task] for task in tasks] == [2 * n for n in range(40)]
    assert [results[task] for task in others] == [3 * n for n in range(40)]


def test_a_group_may_have_plain_and_asynchronous_functions() -> None:
    graph = TaskGraph()
    a, b = graph.map(double, [1]), graph.map(triple, [1])
    both = [graph.call(double, 5), graph.call(double, 6)]
    b.nodes[0].group = "double"  # as a method of the same name
    results = graph.run_sync()
    assert (results[a], results[b], [results[task] for task in both]) == ([2], [3], [10, 12])


def test_what_decides_about_the_time_is_told() -> None:
    graph = TaskGraph()
    a, b = graph.call(double, 1, name="a"), graph.call(double, 2, name="b")
    c = graph.call(add, a, b, name="c")
    results = graph.run_sync()
    a.node.seconds, b.node.seconds, c.node.seconds = 1.0, 3.0, 2.0
    assert results.critical_path() == (["b", "c"], 5.0)
    assert results[c] == 6


def test_it_can_be_drawn_recorded_and_watched(capsys: pytest.CaptureFixture[str]) -> None:
    graph = TaskGraph("g")
    sizes = graph.map(double, range(3))
    total = graph.fan_in(sum, sizes)
    graph.call(same, total, name='say "it"')
    before = graph.mermaid()
    assert before.splitlines() == [
        "flowchart LR",
        '    n0["double × 3"]',
        '    n1["sum"]',
        '    n2["say #quot;it#quot;"]',
        "    n0 --> n1",
        "    n1 --> n2",
    ]
    recording = Recording()
    graph.run_sync(recording=recording, progress=True)
    assert '    n0["double × 3, 3 done"]' in graph.mermaid()
    assert {"double", "sum"} <= {*recording.stages}
    assert "g, done after" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"executor": 3}, TypeError, r"TaskGraph 'g': executor must be an executor, such as Threads\(4\), or None"),
        ({"on_error": Skip()}, TypeError, "on_error must be Retry or None, got Skip"),
        ({"concurrency": 0}, ValueError, "concurrency must be an int >= 1, got 0"),
        ({"time_limit": 0}, ValueError, "time_limit must be a number > 0, got 0"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        TaskGraph("g", **options)


def test_wrong_tasks_are_refused() -> None:
    graph, other = TaskGraph("g"), TaskGraph()
    foreign = other.call(double, 1, name="foreign")
    wrong: Any = 3
    for use in (lambda: graph.call(double, foreign), lambda: graph.call(same, [foreign])):
        with pytest.raises(ValueError, match="its argument <task 'foreign'> belongs to another graph"):
            use()
    mine = graph.call(double, 1, name="mine")
    with pytest.raises(ValueError, match="'mine'> cannot depend on <task 'foreign'>, which belongs to another graph"):
        mine.depends_on(foreign)
    with pytest.raises(TypeError, match="needs a task, or the tasks of a map or fan_out, got 3"):
        mine.depends_on(wrong)
    with pytest.raises(ValueError, match="TaskGraph 'g': there is a task 'mine' already"):
        graph.call(double, 1, name="mine")
    with pytest.raises(TypeError, match=r"TaskGraph\.call: needs a function, got 3"):
        graph.call(wrong)
    for add_wrong in (lambda: graph.parallel(0, same), lambda: graph.fan_out(mine, 0, add)):
        with pytest.raises(ValueError, match="count must be an int >= 1, got 0"):
            add_wrong()
    with pytest.raises(ValueError, match="split_every must be an int >= 2, got 1"):
        graph.reduce(total_of, [mine], split_every=1)
    with pytest.raises(ValueError, match="reduce needs at least one task"):
        graph.reduce(total_of, [])
    with pytest.raises(TypeError, match="'mine'>: it has no result before the graph runs; give it to a"):
        bool(mine)
    with pytest.raises(TypeError, match="give it to a task that iterates over it"):
        list(mine)
    with pytest.raises(ValueError, match="TaskGraph 'g': <task 'foreign'> belongs to another graph"):
        graph.run_sync(only=foreign)
    with pytest.raises(ValueError, match="on_error must be 'stop' or 'continue', got 'skip'"):
        graph.run_sync(on_error="skip")  # type: ignore[arg-type]
    assert isinstance(graph.map(double, [mine]), Tasks)
    assert threading.current_thread() is threading.main_thread()


def test_a_plain_program_gives_the_same_options() -> None:
    assert signature(TaskGraph.run_sync) == signature(TaskGraph.run)
    graph = TaskGraph()
    one, two = graph.call(len, "a"), graph.call(len, "bc")
    with pytest.raises(TypeError, match="unexpected keyword argument 'onyl'"):
        graph.run_sync(onyl=two)  # type: ignore[call-arg]
    assert graph.run_sync(two, keep=[one])[two] == 2


def test_a_reduction_takes_tasks_of_its_own_graph_before_the_run() -> None:
    graph = TaskGraph("g")
    one, two = graph.call(double, 1), graph.call(double, 2)
    same = graph.reduce(sum, [one, one, two])
    number: Any = 3
    with pytest.raises(TypeError, match="reduce: needs tasks, got 3"):
        graph.reduce(sum, [one, number])
    with pytest.raises(ValueError, match="task 'sum': its argument <task 'double'> belongs to another graph"):
        TaskGraph().reduce(sum, [one, two])
    assert graph.run_sync()[same] == 8
    with pytest.raises(RuntimeError, match="it has run, so 'sum' cannot be added"):
        graph.reduce(sum, [one, two])
    with pytest.raises(RuntimeError, match="it has run, so 'double' cannot be added"):
        graph.map(double, [1])


def interrupt() -> None:
    raise KeyboardInterrupt("pressed")


def test_ctrl_c_in_a_plain_program_comes_out_as_it_is() -> None:
    graph = TaskGraph()
    graph.call(interrupt)
    with pytest.raises(KeyboardInterrupt, match="pressed") as raised:
        graph.run_sync()
    assert raised.value.__cause__ is None
