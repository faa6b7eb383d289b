"""The tasks of a pipeline: what a plan may move, put together and repeat, and what it leaves as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from penstock.blocks import Fail, Processes, Threads, TransformMany
from penstock.blocks.base.callables import callable_name, is_async, is_async_generator
from penstock.blocks.core.unique_names import UniqueNames

from .steps import FunctionCall, Step

PLANNED: Final = frozenset({"name", "concurrency", "executor", "window", "capacity"})
"""Options that a plan replaces, or that have no effect on the results."""
BOUND: Final = ("time_limit", "resource", "at_end")
"""Options with which a function is called in another way than with an item alone, or not everywhere."""


@attrs.frozen
class PipelineTask:
    """One step of a pipeline, as plans see it.

    Attributes:
        name: Its name, which no other task of the pipeline has.
        step: The step.
        call: The function and its options; None if a plan leaves the step as it is.
        is_alone: Whether the function cannot share a stage with others.
    """

    name: str
    step: Step
    call: FunctionCall | None
    is_alone: bool = False

    @property
    def is_stateful(self) -> bool:
        """Whether the function has a state."""
        return self.call is not None and self.call.is_stateful


def tasks_of(steps: Sequence[Step]) -> tuple[PipelineTask, ...]:
    """Return the tasks of a pipeline, one for each step."""
    names = UniqueNames()
    return tuple(task_of(step, names) for step in steps)


def task_of(step: Step, names: UniqueNames) -> PipelineTask:
    """Return the task of a step."""
    call = step.call
    if call is None or not is_movable(call):
        return PipelineTask(names.take(step.label), step, None)
    name = call.options.get("name") or callable_name(call.function)
    return PipelineTask(names.take(name), step, call, is_alone(call))


def is_movable(call: FunctionCall) -> bool:
    """Whether a plan may choose the executor and the workers of a function."""
    if is_async(call.function) or is_async_generator(call.function):
        return False
    if call.options.get("context") or any(call.options.get(name) is not None for name in BOUND):
        return False
    executor = call.options.get("executor")
    if executor is None:
        return True
    if not isinstance(executor, Threads | Processes):
        return False
    settings = (executor.worker_init, executor.worker_exit, executor.max_items, executor.max_memory)
    return not (any(setting is not None for setting in settings) or executor.cpus or executor.abandon_on_cancel)


def is_alone(call: FunctionCall) -> bool:
    """Whether a function has options that hold for it only, or gives several results for an item."""
    own = own_options(call)
    return call.kind is TransformMany or not all(is_default(name, value) for name, value in own.items())


def own_options(call: FunctionCall) -> dict[str, object]:
    """The options of a function that a plan keeps."""
    return {name: value for name, value in call.options.items() if name not in PLANNED}


def is_default(name: str, value: object) -> bool:
    """Whether an option of a function without a `key` has its default."""
    if name == "on_error":
        return value == "fail" or isinstance(value, Fail)
    return not value or (name == "ordered" and value is True)
