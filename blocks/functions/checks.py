"""Checks of the arguments of a block that calls a function: concurrency, window, executor."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

from ..base.checks import check_count, check_function
from .function_block import FunctionCore
from .key_turns import Key


def default_window(concurrency: int) -> int:
    """The default number of items that may be started and not yet handed on."""
    return max(16, 4 * concurrency)


def check_concurrency(
    block: FunctionCore[Any],
    concurrency: int,
    window: int | None,
    capacity: int | None,
    runs_async: bool,
    executor: Executor | None,
) -> None:
    """Check that the numbers fit each other and the function; a `ValueError` says what to do."""
    for what, number in (("concurrency", concurrency), ("window", 1 if window is None else window)):
        check_count(str(block), what, number)
    if window is not None and window < concurrency:
        raise ValueError(f"{block}: window must be at least the concurrency, {concurrency}, got {window}")
    if capacity is not None and capacity < concurrency:
        raise ValueError(f"{block}: capacity must be at least the concurrency, {concurrency}, got {capacity}")
    if executor is None and concurrency > 1 and not runs_async:
        raise ValueError(
            f"{block}: concurrency={concurrency} needs an executor or an async function; a plain function runs on the "
            f"loop, one call at a time (give the block executor=Threads({concurrency}))"
        )
    if executor is not None:
        check_executor(block, executor, runs_async)


def keeps_order(block: FunctionCore[Any], ordered: bool | None, key: Key | None) -> bool:
    """Whether all results leave in the order of their items; by default they do if there is no key.

    Raises:
        TypeError: The key is not a plain function.
    """
    check_function(block, "key", key)
    return key is None if ordered is None else ordered


def check_expanding(block: FunctionCore[Any], executor: Executor | None) -> None:
    """Raise a `TypeError` that says what to do if the executor keeps results, which the block must see."""
    refuse = getattr(executor, "check_expanding", None)
    if refuse is not None:
        refuse(str(block))


def check_executor(block: FunctionCore[Any], executor: Executor, runs_async: bool) -> None:
    """Raise a `TypeError` that says what to do if the executor cannot call the block's function."""
    if not isinstance(executor, Executor):
        if callable(getattr(executor, "get_executor", None)):  # a client of Dask
            raise TypeError(
                f"{block}: executor must be client.get_executor() or Cluster(client), not the client itself; got "
                f"{executor!r}"
            )
        raise TypeError(
            f"{block}: executor must be Threads, Processes or another concurrent.futures.Executor, got {executor!r}"
        )
    if runs_async:
        raise TypeError(
            f"{block}: an async function runs in tasks of the loop and takes no executor; leave out executor=, or give "
            "the block a plain function"
        )
    from concurrent.futures.process import ProcessPoolExecutor  # late: most programs need no executor

    from ..executors.by_value import pickled

    check = getattr(executor, "check_function", None)
    if check is not None:
        check(block.function, str(block))
    elif isinstance(executor, ProcessPoolExecutor):
        pickled(block.function, str(block))
