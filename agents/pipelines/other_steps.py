"""The steps of a recipe that call no function of their own with each item, and those that fork."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import attrs

from penstock.blocks import Batch
from penstock.blocks.core.block_core import BlockCore, core_of
from penstock.blocks.functions.function_block import DEFAULT_CAPACITY
from penstock.blocks.regroup import Regroup, RegroupCore, is_splitter

from .stage_options import BlockOptions, ForkOptions
from .steps import (
    Made,
    Step,
    Wrap,
    as_it_is,
    check_options,
    check_policy,
    fresh_policy,
    link_all,
    make_all,
    needed_by,
    step_of,
    tried,
    wanted_by,
)


def block_step(
    who: str,
    kind: Callable[..., Any],
    args: Sequence[Any],
    own: Mapping[str, Any],
    label: str,
    options: BlockOptions,
    known: type[BlockOptions],
) -> Step:
    """Make a step with one block.

    Args:
        who: The method of the recipe, for errors.
        kind: The class of the block.
        args: Its arguments.
        own: Keyword arguments that are parameters of the method.
        label: What the step does, which is also the name of its block.
        options: The options of the stage.
        known: The type of the options.

    Raises:
        TypeError: There is no such option.
        ValueError: An option is out of its range.
    """
    check_options(who, options, known.__annotations__)
    label = options.get("name") or label
    return step_of(who, kind, args, {**own, **options, "name": label}, label)


def batch_step(who: str, items: int | None, own: Mapping[str, Any], options: BlockOptions) -> Step:
    """Make a step that collects items into lists; a list by weight may have as many items as may wait.

    Args:
        who: The method of the recipe, for errors.
        items: The number of items in a full list.
        own: The other parameters of the method.
        options: The options of the stage.
    """
    label = "batch by weight" if items is None else f"batch {items}"
    step = block_step(who, Batch, (items,), own, label, options, BlockOptions)
    if own["weight"] is None:
        return step
    return attrs.evolve(step, wants=items or options.get("capacity", DEFAULT_CAPACITY) or DEFAULT_CAPACITY)


def with_regroup(who: str, steps: Sequence[Step], fold: tuple[Any, Any], name: str | None) -> tuple[Step, ...]:
    """Return steps that end with a regroup; the steps from its one-to-many step on become one step.

    Args:
        who: The method of the recipe, for errors.
        steps: The steps before.
        fold: The function and the first state, as a `Regroup` takes them.
        name: The name of the block.

    Raises:
        TypeError: The function cannot be called with a state and an item, or something is missing.
        ValueError: No step makes several items of one, or it cannot be known which items belong together.
    """
    first = next((place for place in reversed(range(len(steps))) if is_splitter(core_made_by(steps[place]))), None)
    if first is None:
        raise ValueError(
            f"{who}: no stage before it makes several items of one; put it behind a flat_map() or flatten() whose "
            "results it puts together again"
        )
    inner = steps[first:]

    def make(wrap: Wrap) -> Made:
        parts = [step.make(wrap) for step in inner]
        regroup: Regroup[Any, Any] = Regroup(parts[0].last, *fold, name=name or "regroup")
        made = link_all([*parts, Made(regroup, regroup, (regroup,))])
        core = cast("RegroupCore[Any]", core_of(regroup))
        for problem in core.problems():
            raise ValueError(f"{who}: {problem}")
        return made

    step = tried(" → ".join([*(step.label for step in inner), name or "regroup"]), make)
    return (*steps[:first], attrs.evolve(step, needs=needed_by(inner), wants=wanted_by(inner)))


def core_made_by(step: Step) -> BlockCore:
    """The core of a block like the last one of a step."""
    return core_of(step.make(as_it_is).last)


def fork_step(who: str, branches: Sequence[tuple[Step, ...]], options: ForkOptions) -> Step:
    """Make a step in which every item goes through several branches, whose results are joined.

    Args:
        who: The method of the recipe, for errors.
        branches: The steps of each branch.
        options: The options of the join.
    """
    from penstock.blocks import Broadcast, Join  # late: many programs have no branches

    check_options(who, options, ForkOptions.__annotations__)
    unmatched = options.get("unmatched")
    check_policy(who, unmatched)

    def make(wrap: Wrap) -> Made:
        fork: Broadcast[Any] = Broadcast(name="fork")
        parts = [make_all(steps, wrap) for steps in branches]
        for part in parts:
            fork.link_target(part.first)
        policy, letters = fresh_policy(unmatched, wrap)
        more: dict[str, Any] = {**options, "unmatched": policy}
        join: Join[Any] = Join(*(part.last for part in parts), name="join", **more)
        between = [block for part in parts for block in part.blocks]
        return Made(fork, join, (fork, *between, join, *letters))

    label = " | ".join(" → ".join(step.label for step in steps) or "the item" for steps in branches)
    step = tried(f"fork ({label})", make)
    needs, wants = (len(branches) * max(map(count, branches)) for count in (needed_by, wanted_by))
    return attrs.evolve(step, needs=needs, wants=wants)
