"""Functions that are sent to executors by runtimes, scopes and task graphs."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest
import trio

from penstock.agents import Runtime, Scope, TaskGraph, TasksFailed
from penstock.agents.tasks.executors import as_sent
from penstock.blocks import Processes, Threads


def run_in_graph(function: Callable[..., Any]) -> None:
    graph = TaskGraph(executor=Processes(1))
    graph.call(function, name="work")
    try:
        graph.run_sync()
    except TasksFailed as failed:
        raise failed.exceptions[0] from None


def run_in_runtime(function: Callable[..., Any]) -> None:
    with Runtime(processes=1) as runtime:
        runtime.submit(function, on="processes", name="work").get()


def run_in_scope(function: Callable[..., Any]) -> None:
    async def main() -> None:
        async with Scope(executor=Processes(1)) as scope:
            handle = scope.spawn(function, name="work", hold=True)
            await handle

    try:
        trio.run(main)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


@pytest.mark.parametrize("run", [run_in_graph, run_in_runtime, run_in_scope])
def test_a_function_that_cannot_be_sent_to_a_process_says_what_to_do(
    run: Callable[[Callable[..., Any]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(TypeError, match=r"^task 'work': <function .*lambda.* cannot be pickled, .* top level of a mod"):
        run(lambda: 1)


def test_a_function_that_processes_cannot_import_is_sent_as_code() -> None:
    pytest.importorskip("cloudpickle")

    def later(number: int) -> int:
        return number + 1

    with ProcessPoolExecutor(1) as pool:  # no process starts
        for executor in (Processes(1), pool):
            assert as_sent(executor, len, "task") is len
            assert pickle.loads(pickle.dumps(as_sent(executor, later, "task")))(1) == 2
    with ThreadPoolExecutor(1) as threads:
        for other in (None, Threads(1), threads):
            assert as_sent(other, later, "task") is later
