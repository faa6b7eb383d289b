"""Chooses the runner of a block that calls an async function, or a plain function in an executor."""

from __future__ import annotations

from typing import Any

from .async_runner import AsyncExpandingRunner, AsyncRunner
from .function_block import FunctionCore
from .key_turns import Key
from .runner import Runner


def in_tasks(block: FunctionCore[Any], key: Key | None, *args: Any) -> AsyncRunner:
    """Make the runner for an async function."""
    if key is None:
        return AsyncRunner(block, *args)
    from .keyed_tasks import KeyedTasks  # late: few blocks have keys

    return KeyedTasks(block, block.take_turns(key), *args)


def expanding_in_tasks(block: FunctionCore[Any], key: Key | None, *args: Any) -> AsyncRunner:
    """Make the runner for an async function that returns an iterable, or an async generator function."""
    if key is None:
        return AsyncExpandingRunner(block, *args)
    from .keyed_tasks import KeyedExpandingTasks  # late: few blocks have keys

    return KeyedExpandingTasks(block, block.take_turns(key), *args)


def in_executor(block: FunctionCore[Any], key: Key | None, *args: Any) -> Runner:
    """Make the runner for a plain function in an executor."""
    if key is None:
        from .timed_runner import executor_runner  # late: most programs need no executor

        return executor_runner(block, *args)
    from .keyed_jobs import KeyedJobs, KeyedTimedJobs  # late: few blocks have keys

    kind = KeyedJobs if block.time_limit is None else KeyedTimedJobs
    return kind(block, block.take_turns(key), *args)
