"""The step of a recipe that calls a function with each item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from penstock.blocks import Filter, Tap
from penstock.blocks.base.callables import callable_name

from .stage_options import StageOptions
from .steps import FunctionCall, Step, check_options, step_of

STATEFUL = "stateful"


def function_step(
    who: str,
    kind: Callable[..., Any],
    function: Callable[..., Any],
    options: StageOptions,
    known: type[StageOptions],
    **typed: Any,
) -> Step:
    """Make a step that calls a function with each item.

    Args:
        who: The method of the recipe, for errors.
        kind: The class of the block.
        function: The function.
        options: The options of the stage.
        known: The type of the options.
        typed: Options that are parameters of the method, because the types of the function depend on them; None for
            those that were not given.

    Raises:
        TypeError: It is no function, or there is no such option.
        ValueError: An option is out of its range.
    """
    if not callable(function):
        raise TypeError(f"{who}: needs a function, got {function!r}; give pipelines and blocks to then()")
    check_options(who, options, (*known.__annotations__, *typed))
    given = {name: value for name, value in typed.items() if value is not None}
    more: dict[str, Any] = {**{name: value for name, value in options.items() if name != STATEFUL}, **given}
    is_stateful = checked_state(who, options)
    name = options.get("name") or callable_name(function)
    more["name"] = name  # else the blocks of each run would give a lambda a name with another number
    label = f"{kind.__name__.lower()} {name}" if kind in (Filter, Tap) else name
    step = step_of(who, kind, (function,), more, label)
    return attrs.evolve(step, call=FunctionCall(kind, function, more, is_stateful))


def checked_state(who: str, options: StageOptions) -> bool:
    """Return whether the function has a state.

    Raises:
        TypeError: It is neither True nor False.
        ValueError: It has a state, and is to be called with several items at once.
    """
    is_stateful = options.get(STATEFUL, False)
    if not isinstance(is_stateful, bool):
        raise TypeError(f"{who}: stateful must be True or False, got {is_stateful!r}")
    concurrency = options.get("concurrency", 1)
    if is_stateful and concurrency != 1:
        raise ValueError(f"{who}: a stateful function is called with one item at a time, got concurrency={concurrency}")
    return is_stateful
