"""The numbers of a graph, before, during and after its run."""

from __future__ import annotations

import pytest
import trio

from penstock.agents import GroupStatistics, TaskGraph, TasksFailed
from penstock.agents.graphs.statistics import SAMPLE
from penstock.blocks import Threads


def double(number: int) -> int:
    return 2 * number


def sixth(number: int) -> int:
    return 6 // number


def counts(group: GroupStatistics) -> tuple[int, int, int, int, int]:
    return group.total, group.completed, group.failed, group.not_run, group.running


def test_tasks_are_counted_by_how_they_have_ended() -> None:
    graph = TaskGraph("g")
    numbers = graph.map(sixth, [0, 1, 2])
    graph.fan_in(sum, graph.map(double, numbers))
    before = graph.statistics()
    assert [(group.name, counts(group)) for group in before.groups] == [
        ("sixth", (3, 0, 0, 0, 0)),
        ("double", (3, 0, 0, 0, 0)),
        ("sum", (1, 0, 0, 0, 0)),
    ]
    assert (before["sum"].seconds, before["sum"].median) == (0, 0)
    with pytest.raises(TasksFailed):
        graph.run_sync(on_error="continue")
    after = graph.statistics()
    assert [(group.name, counts(group)) for group in after.groups] == [
        ("sixth", (3, 2, 1, 0, 0)),
        ("double", (3, 2, 0, 1, 0)),
        ("sum", (1, 0, 0, 1, 0)),
    ]
    numbers[1].node.seconds, numbers[2].node.seconds = 2.0, 4.0
    assert (graph.statistics()["sixth"].seconds, graph.statistics()["sixth"].median) == (6.0, 3.0)
    with pytest.raises(KeyError, match="graph 'g' has no group 'sixt'; near to it: 'sixth'"):
        after["sixt"]


def test_only_tasks_of_the_run_are_counted() -> None:
    graph = TaskGraph()
    numbers = graph.map(double, range(3))
    graph.call(sixth, 0)
    graph.run_sync(only=numbers)
    assert [group.name for group in graph.statistics().groups] == ["double"]


async def test_a_running_graph_has_numbers() -> None:
    graph = TaskGraph("g", concurrency=2)

    async def work(number: int) -> int:
        await trio.sleep(0 if number < 10 else 1_000)
        return number

    total = graph.fan_in(sum, graph.map(work, range(50)))
    lazy = graph.map(work, range(50), lazy=True)
    with trio.move_on_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(graph.run)
            await trio.testing.wait_all_tasks_blocked()
            group = graph.statistics()[total.name]
            assert counts(group) == (1, 0, 0, 0, 0)
            group = graph.statistics()["work"]
            assert (group.total, group.completed, group.running) == (50 + 0, 10, 32)
            nursery.cancel_scope.cancel()
    assert repr(lazy) == "<LazyTasks 'work'>"


def test_the_tasks_of_a_lazy_map_are_counted_with_those_of_a_list() -> None:
    graph = TaskGraph("g", executor=Threads(1))
    both = graph.map(double, range(3)), graph.map(double, range(2 * SAMPLE), lazy=True)
    graph.reduce(sum, graph.map(sixth, both[1]))
    graph.reduce(max, graph.map(abs, range(8), lazy=True))
    assert [(group.name, group.total) for group in graph.statistics().groups] == [
        ("double", 3),
        ("sixth", 0),
        ("sum", 0),
        ("abs", 0),
        ("max", 0),
    ]
    with pytest.raises(TasksFailed):
        graph.run_sync(on_error="continue")
    found = graph.statistics()
    tree = 2 * SAMPLE // 8 + 32 + 4 + 1
    assert (counts(found["double"]), counts(found["abs"])) == (
        (3 + 2 * SAMPLE, 3 + 2 * SAMPLE, 0, 0, 0),
        (8, 8, 0, 0, 0),
    )
    assert (counts(found["sixth"]), counts(found["max"])) == ((2 * SAMPLE, 2 * SAMPLE - 1, 1, 0, 0), (1, 1, 0, 0, 0))
    assert counts(found["sum"]) == (tree, tree - 4, 0, 4, 0)
    assert 0 < found["double"].median < found["double"].seconds


def test_it_is_a_table_for_people() -> None:
    graph = TaskGraph("g")
    numbers = graph.map(double, range(2))
    one = graph.call(sixth, 0)
    with pytest.raises(TasksFailed):
        graph.run_sync(on_error="continue")
    numbers[0].node.seconds, numbers[1].node.seconds = 1.0, 2.0
    assert str(graph.statistics()).splitlines() == [
        "g       total  completed  failed  time  median",
        "double      2          2       0   3 s   1.5 s",
        "sixth       1          0       1",
    ]
    assert one.name == "sixth"


def test_the_display_of_progress_has_the_totals(capsys: pytest.CaptureFixture[str]) -> None:
    graph = TaskGraph("g")
    graph.reduce(sum, graph.map(double, range(8)))
    graph.map(abs, range(3), lazy=True)
    graph.run_sync(progress=True)
    assert "double 8 of 8, sum 1 of 1, abs 3" in capsys.readouterr().err
